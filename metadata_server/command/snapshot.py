"""``blockstore-server snapshot …``."""

from __future__ import annotations

from typing import Any

import click

from metadata_server.command.client import Client
from metadata_server.command.options import pairs, with_client
from metadata_server.command.output import progress, properties, rows, show

COLUMNS = ("id", "name", "volume_id", "status", "size", "created_at")


@click.group()
def snapshot() -> None:
    """Snapshots: what a volume held at one moment."""


@snapshot.command()
@click.argument("volume")
@click.argument("name", default="")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", callback=pairs)
@with_client
def create(client: Client, as_json: bool, volume: str, name: str, metadata: dict[str, str]) -> None:
    """Take a snapshot of a volume.

    One that is in use is refused where the copy would take long (sparse files on a file system that shares no blocks).
    """
    body = {"volume_id": client.volume(volume)["id"], "name": name, "metadata": metadata}
    with progress(f"copying {volume}"):
        found = client.post("/v3/snapshots", {"snapshot": body})["snapshot"]
    _print(as_json, found)


@snapshot.command("list")
@click.option("--volume", help="Of this volume only.")
@with_client
def listed(client: Client, as_json: bool, volume: str | None) -> None:
    """All snapshots."""
    wanted = {"volume_id": client.volume(volume)["id"]} if volume else {}
    found = client.listed("snapshots", **wanted)
    show(as_json, found, rows(COLUMNS, ([each[column] for column in COLUMNS] for each in found)))


@snapshot.command("show")
@click.argument("name")
@with_client
def shown(client: Client, as_json: bool, name: str) -> None:
    """One snapshot."""
    _print(as_json, client.snapshot(name))


@snapshot.command()
@click.argument("name")
@with_client
def delete(client: Client, as_json: bool, name: str) -> None:
    """Destroy a snapshot; volumes that were made from it stay."""
    found = client.snapshot(name)
    with progress(f"deleting {name}"):
        client.delete(f"/v3/snapshots/{found['id']}")
    show(as_json, {"id": found["id"]}, properties({"deleted": found["id"]}))


@snapshot.command()
@click.argument("name")
@with_client
def revert(client: Client, as_json: bool, name: str) -> None:
    """Give its volume the bytes of this snapshot again.

    What was written since is lost. It must be the volume's latest one, and the volume detached.
    """
    found = client.snapshot(name)
    path = f"/v3/volumes/{found['volume_id']}"
    with progress(f"reverting to {name}"):
        client.post(f"{path}/action", {"revert": {"snapshot_id": found["id"]}})
    status = client.get(path)["volume"]["status"]
    show(as_json, {"id": found["volume_id"], "status": status}, properties({"volume": found["volume_id"], "status": status}))


def _print(as_json: bool, found: dict[str, Any]) -> None:
    show(as_json, found, properties({**{column: found[column] for column in COLUMNS}, **found["metadata"]}))
