"""``blockstore-server seed``."""

from __future__ import annotations

from pathlib import Path

import click

from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import properties, show


@click.command()
@click.argument("instance")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ISO file; mode 0600.")
@click.option("--revoke", is_flag=True, help="End all older tokens of the instance: seeds made before are worth nothing.")
@with_client
def seed(client: Client, as_json: bool, instance: str, output: Path, revoke: bool) -> None:
    """Write a NoCloud seed (an ISO labelled cidata) with a new token of the instance in it.

    Only hashes of tokens are kept, so that every seed has a token of its own. Older ones stay valid until the instance is
    deleted, or until --revoke.
    """
    from metadata_server.seed.iso import write_iso

    found = client.instance(instance)
    files = client.post(f"/instances/{found['id']}/seed", {"revoke": revoke})["files"]
    write_iso(output, {name: text.encode() for name, text in files.items()})
    summary = {"instance": found["id"], "file": str(output), "documents": sorted(files)}
    show(as_json, summary, properties({**summary, "documents": ", ".join(sorted(files))}))
