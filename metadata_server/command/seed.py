"""``blockstore-server seed``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from blockstore.errors import BlockstoreError
from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import properties, show
from metadata_server.domain.errors import Unavailable


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
    found = client.instance(instance)
    made = _write(client, found["id"], output)
    if revoke:
        _revoke(client, found["id"], made["token"], output)
    summary = {"instance": found["id"], "file": str(output), "documents": sorted(made["files"])}
    show(as_json, summary, properties({**summary, "documents": ", ".join(sorted(made["files"]))}))


def _write(client: Client, identifier: str, output: Path) -> dict[str, Any]:
    """The place first: where there is none, no token is made."""
    from metadata_server.seed import iso

    try:
        with iso.placed(output) as image:
            made: dict[str, Any] = client.post(f"/instances/{identifier}/seed", {})
            iso.compose({name: text.encode() for name, text in made["files"].items()}, image)
    except OSError as error:
        raise Unavailable(f"{output} cannot be written: {error.strerror}") from error
    return made


def _revoke(client: Client, identifier: str, token: str, output: Path) -> None:
    """Only now: until the new seed was on the disk the older ones were all that the instance had."""
    try:
        client.post(f"/instances/{identifier}/revoke", {"token": token})
    except BlockstoreError as error:
        problem = f"{output} is written, but perhaps the older tokens are still valid: {error}"
        raise Unavailable(problem, hint="the same command once more") from error
