"""Statements on volumes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, case, delete, false, func, insert, literal, or_, select, update

from metadata_server.domain.page import Page
from metadata_server.domain.states import ON_THE_WAY, VOLUME, Lifecycle, SnapshotStatus, VolumeMove, legal
from metadata_server.domain.volume import BY_ATTACHMENT, Volume
from metadata_server.store.listing import Column, counted, paged
from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import attachments, snapshots, volumes

_BY_ID = Prepared(select(volumes).where(volumes.c.id == bindparam("key")))
_WRITTEN = Prepared(
    update(volumes).where(volumes.c.id == bindparam("key"), volumes.c.blank).values(blank=false(), updated_at=bindparam("moment"))
)
_BEING_MADE = select(volumes.c.id).where(volumes.c.lifecycle == Lifecycle.CREATING.value)
_MADE_FROM_SNAPSHOT = Prepared(_BEING_MADE.where(volumes.c.snapshot_id == bindparam("key")))
_MADE_FROM_VOLUME = Prepared(_BEING_MADE.where(volumes.c.source_volid == bindparam("key")))
_ENGAGED = Prepared(
    select(attachments.c.id).where(attachments.c.volume_id == bindparam("key")).union_all(
        select(snapshots.c.id).where(
            snapshots.c.volume_id == bindparam("key"), snapshots.c.status == SnapshotStatus.CREATING.value
        ),
        _BEING_MADE.where(volumes.c.source_volid == bindparam("key")),
    )
)  # fmt: skip


def _move(move: VolumeMove) -> Update:
    states = {before.value: after.value for before, after in legal(VOLUME, move).items()}
    # No IN: that is written out anew for each execution.
    there = or_(*(volumes.c.lifecycle == state for state in states))
    moved = update(volumes).where(volumes.c.id == bindparam("key"), there)
    # A move that only asks where it may begin leaves the column alone: SQLite would write its index, too.
    changes = any(before != after for before, after in states.items())
    return moved.values(lifecycle=case(states, value=volumes.c.lifecycle)) if changes else moved


@cache
def _moved(move: VolumeMove) -> Prepared:
    return Prepared(_move(move).values(updated_at=bindparam("moment")).returning(volumes))


class Volumes:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, volume: Volume) -> None:
        """Insert one."""
        self._connection.execute(insert(volumes).values(**_values(volume)))

    def move(self, identifier: str, move: VolumeMove, moment: str, **columns: object) -> bool:
        """Take a volume from one state to another, where that is legal: one UPDATE with the legal states in its WHERE.

        Of many that ask at once one gets it, in whatever process they are: the row stays locked until the end of the
        transaction, and who comes after sees what this one wrote. Gives whether it moved.
        """
        if not columns:
            return self.moved(identifier, move, moment) is not None
        moved = _move(move).values(updated_at=moment, **_kept(columns))
        return self._connection.execute(moved, {"key": identifier}).rowcount == 1

    def moved(self, identifier: str, move: VolumeMove, moment: str) -> Volume | None:
        """As `move`; gives the volume after it, in the same statement, None where it did not move."""
        row = _moved(move).first(self._connection, key=identifier, moment=moment)
        return volume_of(row) if row else None

    def engaged(self, identifier: str) -> bool:
        """Whether there is an attachment of it, or it is being copied into something."""
        return bool(_ENGAGED.rows(self._connection, key=identifier))

    def change(self, identifier: str, moment: str, **columns: object) -> None:
        """Write these columns; but what is not blank stays so, whatever is said here."""
        changed = update(volumes).where(volumes.c.id == identifier)
        self._connection.execute(changed.values(updated_at=moment, **_kept(columns)))

    def written(self, identifier: str, moment: str) -> None:
        """It is not blank any more."""
        _WRITTEN.write(self._connection, key=identifier, moment=moment)

    def get(self, identifier: str) -> Volume | None:
        """By id."""
        row = _BY_ID.first(self._connection, key=identifier)
        return volume_of(row) if row else None

    def page(self, page: Page) -> tuple[Volume, ...]:
        """Those of one page. Raises `Invalid` and `NotFound` as `paged`."""
        return tuple(map(volume_of, self._connection.execute(paged(self._connection, _JOINED, _COLUMNS, page))))

    def count(self, page: Page) -> int:
        """How many there are on all pages."""
        return counted(self._connection, _JOINED, _COLUMNS, page)

    def unfinished(self) -> tuple[Volume, ...]:
        """Those that are being made, grown, reverted or deleted, oldest first."""
        wanted = select(volumes).where(volumes.c.lifecycle.in_([each.value for each in ON_THE_WAY]))
        return tuple(map(volume_of, self._connection.execute(wanted.order_by(volumes.c.created_at, volumes.c.id))))

    def made_from(self, *, snapshot: str = "", volume: str = "") -> tuple[str, ...]:
        """The ids of the volumes that are being made from this snapshot or volume now."""
        found = _MADE_FROM_SNAPSHOT.rows(self._connection, key=snapshot) if snapshot else []
        found += _MADE_FROM_VOLUME.rows(self._connection, key=volume) if volume else []
        return tuple(row.id for row in found)

    def types(self) -> tuple[str, ...]:
        """The types that there are volumes of."""
        return tuple(self._connection.execute(select(volumes.c.volume_type).distinct()).scalars())

    def totals(self) -> tuple[tuple[str, int, int], ...]:
        """Of each type: how many volumes, how many GiB."""
        summed = select(volumes.c.volume_type, func.count(), func.coalesce(func.sum(volumes.c.size), 0))
        rows = self._connection.execute(summed.group_by(volumes.c.volume_type))
        return tuple((name, int(count), int(size)) for name, count, size in rows)

    def ids(self, volume_type: str) -> frozenset[str]:
        """The ids of all volumes of one type."""
        return frozenset(self._connection.execute(select(volumes.c.id).where(volumes.c.volume_type == volume_type)).scalars())

    def remove(self, identifier: str) -> None:
        """Delete the row."""
        self._connection.execute(delete(volumes).where(volumes.c.id == identifier))


# The same as `metadata_server.domain.volume.status`; a volume has one attachment at most.
_STATUS = case(
    (volumes.c.lifecycle != Lifecycle.READY.value, volumes.c.lifecycle),
    *((attachments.c.status == status.value, word) for status, word in BY_ATTACHMENT),
    else_="available",
)
_JOINED = select(volumes).outerjoin(attachments, attachments.c.volume_id == volumes.c.id)
_COLUMNS: dict[str, Column] = {
    "id": volumes.c.id, "name": volumes.c.name, "display_name": volumes.c.name, "status": _STATUS, "size": volumes.c.size,
    "volume_type": volumes.c.volume_type, "volume_type_id": volumes.c.volume_type, "bootable": volumes.c.bootable,
    "metadata": volumes.c.metadata, "created_at": volumes.c.created_at, "updated_at": volumes.c.updated_at,
}  # fmt: skip


def _kept(columns: Iterable[tuple[str, object]] | dict[str, object]) -> dict[str, object]:
    values = dict(columns)
    if "blank" in values:
        values["blank"] = and_(volumes.c.blank, literal(values["blank"]))
    return values


def _values(volume: Volume) -> dict[str, object]:
    return {**vars(volume), "lifecycle": volume.lifecycle.value, "metadata": dict(volume.metadata)}


def volume_of(row: Any) -> Volume:
    """From a row of the table."""
    return Volume(
        id=row.id, name=row.name, size=row.size, created_at=row.created_at, updated_at=row.updated_at,
        lifecycle=Lifecycle(row.lifecycle), blank=row.blank, description=row.description, metadata=row.metadata,
        volume_type=row.volume_type, snapshot_id=row.snapshot_id, source_volid=row.source_volid,
        bootable=row.bootable, readonly=row.readonly,
    )  # fmt: skip
