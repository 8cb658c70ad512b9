"""Statements on who leads: one row, and whoever changes it says what it was before, so that of many one does."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import leases

LEADER = "leader"
_GET = Prepared(select(leases.c.holder, leases.c.beat).where(leases.c.name == bindparam("key")))


@dataclass(frozen=True)
class Lease:
    """Who leads; ``beat`` is another number each time that the holder said so."""

    holder: str
    beat: int


class Leases:
    """The one of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> Lease | None:
        """As it is now."""
        row = _GET.first(self._connection, key=LEADER)
        return Lease(row.holder, row.beat) if row else None

    def add(self, holder: str) -> None:
        """The first one."""
        self._connection.execute(insert(leases).values(name=LEADER, holder=holder, beat=0))

    def take(self, before: Lease, holder: str) -> bool:
        """Take it over as it was ``before``. Gives whether it still was."""
        there = (leases.c.name == LEADER, leases.c.holder == before.holder, leases.c.beat == before.beat)
        taken = update(leases).where(*there).values(holder=holder, beat=before.beat + 1)
        return self._connection.execute(taken).rowcount == 1

    def keep(self, holder: str) -> bool:
        """Say that it still leads. Gives whether that is so."""
        there = (leases.c.name == LEADER, leases.c.holder == holder)
        return self._connection.execute(update(leases).where(*there).values(beat=leases.c.beat + 1)).rowcount == 1
