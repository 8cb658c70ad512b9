"""Statements on volumes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, literal, select, update

from metadata_server.domain.volume import ON_THE_WAY, Lifecycle, Volume
from metadata_server.store.tables import volumes


class Volumes:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, volume: Volume) -> None:
        """Insert one."""
        self._connection.execute(insert(volumes).values(**_values(volume)))

    def save(self, volume: Volume) -> None:
        """Write all of it; but what is not blank stays so, whatever is said here."""
        values = {**_values(volume), "blank": and_(volumes.c.blank, literal(volume.blank))}
        self._connection.execute(update(volumes).where(volumes.c.id == volume.id).values(**values))

    def get(self, identifier: str) -> Volume | None:
        """By id."""
        row = self._connection.execute(select(volumes).where(volumes.c.id == identifier)).first()
        return _volume(row) if row else None

    def all(self) -> tuple[Volume, ...]:
        """All, oldest first."""
        return tuple(map(_volume, self._connection.execute(select(volumes).order_by(volumes.c.created_at, volumes.c.id))))

    def unfinished(self) -> bool:
        """Whether any is being made, grown or deleted."""
        on_the_way = volumes.c.lifecycle.in_([each.value for each in ON_THE_WAY])
        return self._connection.execute(select(volumes.c.id).where(on_the_way)).first() is not None

    def remove(self, identifier: str) -> None:
        """Delete the row."""
        self._connection.execute(delete(volumes).where(volumes.c.id == identifier))


def _values(volume: Volume) -> dict[str, object]:
    return {**vars(volume), "lifecycle": volume.lifecycle.value, "metadata": dict(volume.metadata)}


def _volume(row: Row[Any]) -> Volume:
    return Volume(
        id=row.id, name=row.name, size=row.size, created_at=row.created_at, updated_at=row.updated_at,
        lifecycle=Lifecycle(row.lifecycle), blank=row.blank, description=row.description, metadata=row.metadata,
    )  # fmt: skip
