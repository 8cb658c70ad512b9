"""``blockstore-server status``."""

from __future__ import annotations

import click

from metadata_server.command.client import Client
from metadata_server.command.options import with_client
from metadata_server.command.output import properties, show


@click.command()
@with_client
def status(client: Client, as_json: bool) -> None:
    """How the server is: where it listens, what it has, what is exported."""
    found = client.get("/status")["status"]
    failed = found["exports"]["failed"]
    counts = {
        "volumes": ", ".join(f"{number} {word}" for word, number in found["volumes"].items()) or "none",
        "exports": f"{found['exports']['present']} of {found['exports']['wanted']}, {found['exports']['sessions']} sessions",
    }
    lines = {f"failed {each['name'] or each['volume']}": f"{each['status']}: {each['reason']}" for each in failed}
    show(as_json, found, properties({**found, **counts, **lines}))
