"""The command's root: one file for every group of commands, and one place where errors become a line and an exit code."""

from __future__ import annotations

import sys
from http import HTTPStatus

import click

from blockstore import __version__
from blockstore.errors import BlockstoreError, DocumentInvalid, ServiceDenied
from metadata_server.command import attach, instance, keys, seed, serve, snapshot, status, volume
from metadata_server.command.client import Ambiguous


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="blockstore-server")
@click.option(
    "--state", metavar="DIR", envvar="BLOCKSTORE_STATE", help="The server's folder (default /var/lib/blockstore-server)."
)
@click.pass_context
def root(context: click.Context, state: str | None) -> None:
    """Volumes for instances: served, attached, seeded."""
    context.obj = state


COMMANDS = (
    *(serve.serve, instance.instance, volume.volume, snapshot.snapshot, attach.attach, attach.detach, seed.seed, status.status),
    keys.keys,
)
for command in COMMANDS:
    root.add_command(command)


def main() -> None:
    """Run, and end with the right code."""
    try:
        root(prog_name="blockstore-server")
    except DocumentInvalid as error:
        for fault in error.faults:
            click.echo(f"blockstore-server: {fault}", err=True)
        sys.exit(2)
    except BlockstoreError as error:
        click.echo(f"blockstore-server: {error}", err=True)
        sys.exit(2 if _bad_call(error) else 1)


def _bad_call(error: BlockstoreError) -> bool:
    """Whether it can never be done as it was said, be it the server who says so (400)."""
    return isinstance(error, Ambiguous) or (isinstance(error, ServiceDenied) and error.status == HTTPStatus.BAD_REQUEST)
