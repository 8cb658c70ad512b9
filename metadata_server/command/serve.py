"""``blockstore-server serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metadata_server import configuration
from metadata_server.command.options import state_folder

if TYPE_CHECKING:
    from metadata_server.state import Addresses

LISTEN = "ADDRESS:PORT"


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="The configuration (TOML).")
@click.option("--state", metavar="DIR", help="The folder for everything: database, volumes, sockets. Alone it is enough.")
@click.option("--instance-listen", metavar=LISTEN, help="For instances (default 127.0.0.1:8775; port 0 picks one).")
@click.option("--operator-listen", metavar=LISTEN, help="For operators (default 127.0.0.1:8776; port 0 picks one).")
@click.option("--portal", metavar=LISTEN, help="For iSCSI (default 127.0.0.1:3260; port 0 picks one).")
@click.option("--advertised-host", metavar="HOST", help="The host as instances see it, for endpoint and portal alike.")
@click.option("--endpoint-advertised", metavar="URL", help="The URL that seeds name; port 0 stands for the real one.")
@click.option("--portal-advertised", metavar="ADDRESS[:PORT]", help="The portal that instances are told.")
@click.option("--database", metavar="URL", help="A PostgreSQL instead of SQLite in the folder; without a password.")
@click.option("--database-password-file", metavar="FILE", help="Where its password is (mode 0600).")
@click.option("--tgtd", metavar="FILE", help="The target daemon's program (default /usr/sbin/tgtd).")
@click.option("--verbose", is_flag=True, help="Log more.")
def serve(file: Path | None, state: str | None, verbose: bool, **words: str | None) -> None:
    """Serve instances and operators until SIGTERM.

    With --state alone everything runs on this machine as this user: SQLite and sparse files in the folder, a tgtd of
    its own.
    """
    from metadata_server.listening.log import configure
    from metadata_server.serving import notify_systemd
    from metadata_server.serving import serve as run

    host = words["advertised_host"]
    if (
        file is None
        and state is None
        and click.get_current_context().find_root().obj is None
        and configuration.DEFAULT_FILE.exists()
    ):
        file = configuration.DEFAULT_FILE
    options = {
        "state": str(state_folder(state)) if state or click.get_current_context().find_root().obj else None,
        "instance.listen": words["instance_listen"],
        "instance.endpoint": words["endpoint_advertised"] or (host and f"http://{f'[{host}]' if ':' in host else host}:0"),
        "operator.listen": words["operator_listen"],
        "targets.portal": words["portal"],
        "targets.advertised": words["portal_advertised"] or host,
        "targets.program": words["tgtd"],
        "database.url": words["database"],
        "database.password_file": words["database_password_file"],
    }
    settings = configuration.load(file, options)
    configure(settings.http.log, verbose=verbose)

    def ready(addresses: Addresses) -> None:
        portals = f"iSCSI at {', '.join(addresses.portals)}, " if addresses.portals else ""  # Cinder has its own
        click.echo(
            f"ready: instances at {addresses.instance_url}, operators at {addresses.operator_url}, {portals}"
            f"state in {settings.state}"
        )
        notify_systemd("READY=1")

    run(settings, ready=ready)
