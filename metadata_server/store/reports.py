"""Statements on reports: the newest of every instance in one table, a bounded number of those before it in another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import earlier_reports, instances, reports

# Together with the newest one: ten boots are what one compares.
EARLIER = 9


@dataclass(frozen=True)
class Kept:
    """A report as it came, for `blockstore.report.from_wire`, and when; ``instance`` is the instance's name where asked for."""

    instance_id: str
    body: Mapping[str, object]
    received_at: str
    instance: str = ""


_VALUES: dict[str, Any] = {"body": bindparam("body"), "received_at": bindparam("received_at"), "healthy": bindparam("healthy")}
# Not the row of the report: there may be none yet. Tokens and attachments of the instance can be written meanwhile.
_HOLD = Prepared(select(instances.c.id).where(instances.c.id == bindparam("key")).with_for_update(key_share=True))
_NEWEST = Prepared(select(reports).where(reports.c.instance_id == bindparam("key")))
_REPLACE = Prepared(update(reports).where(reports.c.instance_id == bindparam("key")).values(_VALUES))
_FIRST = Prepared(insert(reports).values({"instance_id": bindparam("key"), **_VALUES}))


class Reports:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, identifier: str) -> None:
        """Nobody else writes a report of this instance until the transaction has ended."""
        _HOLD.rows(self._connection, key=identifier)

    def newest(self, identifier: str) -> Kept | None:
        """The last one of an instance."""
        row = _NEWEST.first(self._connection, key=identifier)
        return _kept(row) if row else None

    def put(self, identifier: str, body: Mapping[str, object], received_at: str, *, healthy: bool) -> None:
        """Write the newest one over the one before."""
        values = {"key": identifier, "body": dict(body), "received_at": received_at, "healthy": healthy}
        if not _REPLACE.write(self._connection, **values):
            _FIRST.write(self._connection, **values)

    def put_away(self, before: Kept) -> None:
        """Keep one beside the newest; of an instance's the oldest go."""
        values = {"instance_id": before.instance_id, "body": dict(before.body), "received_at": before.received_at}
        self._connection.execute(insert(earlier_reports).values(**values))
        own = earlier_reports.c.instance_id == before.instance_id
        oldest = select(earlier_reports.c.id).where(own).order_by(earlier_reports.c.id.desc()).offset(EARLIER).limit(1)
        last = self._connection.execute(oldest).scalar()
        if last is not None:
            self._connection.execute(delete(earlier_reports).where(own, earlier_reports.c.id <= last))

    def of_instance(self, identifier: str) -> tuple[Kept, ...]:
        """All of an instance, the newest first."""
        newest = self.newest(identifier)
        own = earlier_reports.c.instance_id == identifier
        rows = self._connection.execute(select(earlier_reports).where(own).order_by(earlier_reports.c.id.desc()))
        return (*((newest,) if newest else ()), *map(_kept, rows))

    def with_trouble(self, most: int) -> tuple[Kept, ...]:
        """The newest reports of instances that did not get everything they should, the last received first."""
        query = select(reports, instances.c.name).join(instances, instances.c.id == reports.c.instance_id)
        rows = self._connection.execute(query.where(~reports.c.healthy).order_by(reports.c.received_at.desc()).limit(most))
        return tuple(Kept(row.instance_id, row.body, row.received_at, row.name) for row in rows)

    def count_trouble(self) -> int:
        """How many instances `with_trouble` would have without a limit."""
        return int(self._connection.execute(select(func.count()).select_from(reports).where(~reports.c.healthy)).scalar_one())


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.instance_id, row.body, row.received_at)
