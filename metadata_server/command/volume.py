"""``blockstore-server volume …``."""

from __future__ import annotations

from typing import Any

import click

from blockstore.size import GIB, parse_size
from metadata_server.command.client import Client
from metadata_server.command.options import pairs, with_client
from metadata_server.command.output import progress, properties, rows, show

COLUMNS = ("id", "name", "status", "size", "volume_type", "blockstore:blank")


def _gibibytes(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """``20`` and ``20GiB`` are 20."""
    if text is None:
        return None
    try:
        size = int(text) * GIB if text.isdecimal() else parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not size:
        raise click.BadParameter("a volume has 1 GiB at least")
    if size % GIB:
        raise click.BadParameter(f"{text} is not a whole number of GiB")
    return size // GIB


@click.group()
def volume() -> None:
    """Volumes."""


@volume.command()
@click.argument("name")
@click.option("--size", metavar="GiB", callback=_gibibytes, help="In GiB (of a copy: default as large as its source).")
@click.option("--type", "volume_type", help="Volume type (default: the configuration's first).")
@click.option("--snapshot", help="Make it from this snapshot.")
@click.option("--source", help="Make it from this volume.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", callback=pairs, help="Such as blockstore.mount=/srv/data.")
@with_client
def create(
    client: Client, as_json: bool, name: str, size: int | None, volume_type: str | None, snapshot: str | None,
    source: str | None, metadata: dict[str, str],
) -> None:  # fmt: skip
    """Make a volume: blank, or a copy (which no instance formats)."""
    if size is None and not snapshot and not source:
        raise click.UsageError("Missing option '--size'.")
    body = {
        "name": name, "size": size, "metadata": metadata, "volume_type": volume_type,
        "snapshot_id": client.snapshot(snapshot)["id"] if snapshot else None,
        "source_volid": client.volume(source)["id"] if source else None,
    }  # fmt: skip
    with progress(f"making {name}"):
        found = client.post("/v3/volumes", {"volume": body})["volume"]
    _print(as_json, found)


@volume.command("list")
@with_client
def listed(client: Client, as_json: bool) -> None:
    """All volumes."""
    found = client.listed("volumes")
    columns = (*COLUMNS[:-1], "blank", "instance")
    lines = ([*(each[column] for column in COLUMNS), ", ".join(a["server_id"] for a in each["attachments"])] for each in found)
    show(as_json, found, rows(columns, lines))


@volume.command("show")
@click.argument("name")
@with_client
def shown(client: Client, as_json: bool, name: str) -> None:
    """One volume."""
    _print(as_json, client.volume(name))


@volume.command()
@click.argument("name")
@click.option("--size", required=True, metavar="GiB", callback=_gibibytes, help="The new size.")
@with_client
def extend(client: Client, as_json: bool, name: str, size: int) -> None:
    """Grow a volume, also while it is attached."""
    found = client.volume(name)
    with progress(f"growing {name}"):
        client.post(f"/v3/volumes/{found['id']}/action", {"os-extend": {"new_size": size}})
    _print(as_json, client.volume(found["id"]))


@volume.command()
@click.argument("name")
@click.option("--cascade", is_flag=True, help="Its snapshots, too.")
@with_client
def delete(client: Client, as_json: bool, name: str, cascade: bool) -> None:
    """Destroy a volume and its data; it must be detached."""
    found = client.volume(name)
    with progress(f"deleting {name}"):
        client.delete(f"/v3/volumes/{found['id']}{'?cascade=true' if cascade else ''}")
    show(as_json, {"id": found["id"]}, properties({"deleted": found["id"]}))


def _print(as_json: bool, found: dict[str, Any]) -> None:
    lines = {column.removeprefix("blockstore:"): found[column] for column in COLUMNS}
    for attachment in found["attachments"]:
        lines["instance"] = attachment["server_id"]
    show(as_json, found, properties({**lines, **found["metadata"]}))
