"""``blockstore-server instance …``."""

from __future__ import annotations

from pathlib import Path

import click

from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import properties, rows, show


@click.group()
def instance() -> None:
    """Instances: registered, so that volumes can be attached to them."""


@instance.command()
@click.argument("name")
@click.option("--initiator-name", default="", help="iSCSI name (default: derived from the instance's id).")
@click.option("--user-data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File for the seed.")
@click.option("--network-config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File for the seed.")
@click.option("--id", default="", help="Its id (default: a new one); behind Nova's metadata proxy the id that Nova has.")
@click.option("--project-id", default="", help="The project that Nova's metadata proxy must name with it.")
@click.option("--address", "addresses", multiple=True, help="An address that its requests come from (for session tokens).")
@with_client
def create(
    client: Client, as_json: bool, user_data: Path | None, network_config: Path | None, **words: str | tuple[str, ...]
) -> None:
    """Register an instance. The token is shown once; `seed` makes another."""
    words |= {"user_data": _text(user_data), "network_config": _text(network_config)}
    found = client.post("/instances", {"instance": words})["instance"]
    show(as_json, found, properties({key: found[key] for key in ("id", "name", "initiator_name", "token")}))


@instance.command("set")
@click.argument("name")
@click.option("--address", "addresses", multiple=True, help="An address that its requests come from; these replace all others.")
@with_client
def change(client: Client, as_json: bool, name: str, addresses: tuple[str, ...]) -> None:
    """Change the addresses of an instance; without --address it has none."""
    identifier = client.instance(name)["id"]
    found = client.put(f"/instances/{identifier}", {"instance": {"addresses": list(addresses)}})["instance"]
    show(as_json, found, properties({"id": identifier, "addresses": " ".join(found["addresses"])}))


@instance.command("list")
@with_client
def listed(client: Client, as_json: bool) -> None:
    """All instances."""
    found = client.get("/instances")["instances"]
    columns = ("id", "name", "initiator_name", "created_at")
    show(as_json, found, rows(columns, ([each[column] for column in columns] for each in found)))


@instance.command("show")
@click.argument("name")
@with_client
def shown(client: Client, as_json: bool, name: str) -> None:
    """One instance, its attachments and what it reported last."""
    found = client.instance(name)
    lines = {key: found[key] for key in ("id", "name", "initiator_name", "created_at", "reported_at")}
    lines["addresses"] = " ".join(found["addresses"])
    for each in found["attachments"]:
        lines[f"volume {each['volume_id']}"] = each["status"]
    for volume in (found["report"] or {}).get("volumes", []):
        lines[f"reported {volume['name'] or volume['id']}"] = " ".join(filter(None, (volume["result"], volume["reason"])))
    show(as_json, found, properties(lines))


@instance.command()
@click.argument("name")
@with_client
def delete(client: Client, as_json: bool, name: str) -> None:
    """Forget an instance and its tokens; its volumes must be detached."""
    found = client.instance(name)
    client.delete(f"/instances/{found['id']}")
    show(as_json, {"id": found["id"]}, properties({"deleted": found["id"]}))


def _text(file: Path | None) -> str:
    try:
        return file.read_text(encoding="utf-8") if file else ""
    except UnicodeDecodeError:
        raise click.BadParameter(f"{file} is no text in UTF-8. Unpack what is compressed: a seed holds plain text.") from None
