"""Several servers of one folder, one PostgreSQL and one tgtd, each a process of its own on ports of its own."""

from __future__ import annotations

import re
from pathlib import Path

from metadata_server.state import Addresses
from testbed.postgresql import LocalPostgresql
from testbed.server import LocalServer

READY = re.compile(r"^ready: instances at http://(\S+), operators at http://(\S+), (?:iSCSI at (\S+),)?", re.MULTILINE)


class PeerServer(LocalServer):
    """One of them."""

    databases = staticmethod(lambda _state: {})  # theirs is said below

    def __init__(
        self, state: Path, number: int, postgresql: LocalPostgresql, database: str, further: tuple[str, ...] = ()
    ) -> None:
        options = ("--database", postgresql.url(database), "--database-password-file", str(postgresql.password_file), *further)
        super().__init__(state, advertised_host="", options=options)
        self.database = database
        self.log = state.parent / f"server-{number}.log"

    @property
    def addresses(self) -> Addresses:
        """Where this one listens: the folder's file tells of the one that leads."""
        [instance, operator, portal] = READY.findall(self.log.read_text())[-1]
        return Addresses(instance=instance, operator=operator, portal=portal, portal_advertised=portal)
