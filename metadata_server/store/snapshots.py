"""Statements on snapshots."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, delete, func, insert, select, update

from metadata_server.domain.page import Page
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import SNAPSHOT, SNAPSHOT_ON_THE_WAY, SnapshotMove, SnapshotStatus, legal
from metadata_server.store.listing import Column, counted, paged
from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import snapshots, volumes

_OLDEST_FIRST = (snapshots.c.created_at, snapshots.c.id)
_OF_VOLUME = Prepared(select(snapshots).where(snapshots.c.volume_id == bindparam("key")).order_by(*_OLDEST_FIRST))


class Snapshots:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, snapshot: Snapshot) -> None:
        """Insert one."""
        values = {**vars(snapshot), "status": snapshot.status.value, "metadata": dict(snapshot.metadata)}
        self._connection.execute(insert(snapshots).values(**values))

    def move(self, identifier: str, move: SnapshotMove, moment: str) -> bool:
        """As `Volumes.move`."""
        states = {before.value: after.value for before, after in legal(SNAPSHOT, move).items()}
        moved = (
            update(snapshots)
            .where(snapshots.c.id == identifier, snapshots.c.status.in_(states))
            .values(status=case(states, value=snapshots.c.status), updated_at=moment)
        )
        return self._connection.execute(moved).rowcount == 1

    def change(self, identifier: str, moment: str, **columns: object) -> None:
        """Write these columns."""
        self._connection.execute(update(snapshots).where(snapshots.c.id == identifier).values(updated_at=moment, **columns))

    def get(self, identifier: str) -> Snapshot | None:
        """By id."""
        return next(iter(self._select(select(snapshots).where(snapshots.c.id == identifier))), None)

    def of_volume(self, identifier: str) -> tuple[Snapshot, ...]:
        """Those of one volume, oldest first."""
        return tuple(map(_snapshot, _OF_VOLUME.rows(self._connection, key=identifier)))

    def page(self, page: Page) -> tuple[Snapshot, ...]:
        """Those of one page. Raises `Invalid` and `NotFound` as `paged`."""
        return tuple(map(_snapshot, self._connection.execute(paged(self._connection, select(snapshots), _COLUMNS, page))))

    def count(self, page: Page) -> int:
        """How many there are on all pages."""
        return counted(self._connection, select(snapshots), _COLUMNS, page)

    def unfinished(self) -> tuple[Snapshot, ...]:
        """Those that are being made or deleted."""
        return self._select(select(snapshots).where(snapshots.c.status.in_([each.value for each in SNAPSHOT_ON_THE_WAY])))

    def totals(self) -> tuple[tuple[str, int, int], ...]:
        """Of each type: how many snapshots, how many GiB."""
        summed = select(volumes.c.volume_type, func.count(), func.coalesce(func.sum(snapshots.c.size), 0))
        rows = self._connection.execute(
            summed.select_from(snapshots.join(volumes, snapshots.c.volume_id == volumes.c.id)).group_by(volumes.c.volume_type)
        )
        return tuple((name, int(count), int(size)) for name, count, size in rows)

    def ids(self, volume_type: str) -> frozenset[str]:
        """The ids of all snapshots of volumes of one type."""
        joined = select(snapshots.c.id).join(volumes, snapshots.c.volume_id == volumes.c.id)
        return frozenset(self._connection.execute(joined.where(volumes.c.volume_type == volume_type)).scalars())

    def remove(self, identifier: str) -> None:
        """Delete the row."""
        self._connection.execute(delete(snapshots).where(snapshots.c.id == identifier))

    def _select(self, statement: Select[Any]) -> tuple[Snapshot, ...]:
        return tuple(map(_snapshot, self._connection.execute(statement.order_by(*_OLDEST_FIRST))))


_COLUMNS: dict[str, Column] = {
    "id": snapshots.c.id, "name": snapshots.c.name, "display_name": snapshots.c.name, "status": snapshots.c.status,
    "volume_id": snapshots.c.volume_id, "size": snapshots.c.size, "volume_size": snapshots.c.size,
    "metadata": snapshots.c.metadata, "created_at": snapshots.c.created_at, "updated_at": snapshots.c.updated_at,
}  # fmt: skip


def _snapshot(row: Any) -> Snapshot:
    return Snapshot(
        id=row.id, volume_id=row.volume_id, name=row.name, size=row.size, created_at=row.created_at, updated_at=row.updated_at,
        status=SnapshotStatus(row.status), description=row.description, metadata=row.metadata,
    )  # fmt: skip
