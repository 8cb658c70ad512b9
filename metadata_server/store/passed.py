"""Statements on what we know of volumes that another service owns, and on the attachments that we reserved there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, or_, select, update

from metadata_server.domain.passed import Content, Knowledge, Passed
from metadata_server.store.tables import passed_attachments as attachments
from metadata_server.store.tables import passed_volumes as volumes


class PassedThrough:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Passed) -> None:
        """Insert one. Raises `Conflict` where another came first: a volume has one."""
        self._connection.execute(insert(attachments).values(**vars(one)))

    def save(self, one: Passed) -> None:
        """Write all of it."""
        self._connection.execute(update(attachments).where(attachments.c.key == one.key).values(**vars(one)))

    def remove(self, one: Passed) -> bool:
        """Delete the row; whether it was there."""
        return self._connection.execute(delete(attachments).where(attachments.c.key == one.key)).rowcount > 0

    def get(self, attachment_id: str) -> Passed | None:
        """By Cinder's id."""
        return next(iter(self._select(select(attachments).where(attachments.c.attachment_id == attachment_id))), None)

    def of_instance(self, identifier: str) -> tuple[Passed, ...]:
        """Those of one instance, oldest first."""
        return self._select(select(attachments).where(attachments.c.instance_id == identifier))

    def of_volume(self, identifier: str) -> Passed | None:
        """The one of a volume."""
        return next(iter(self._select(select(attachments).where(attachments.c.volume_id == identifier))), None)

    def all(self) -> tuple[Passed, ...]:
        """All, oldest first."""
        return self._select(select(attachments))

    def unfinished(self) -> tuple[Passed, ...]:
        """Those that are being reserved or released."""
        return self._select(select(attachments).where(or_(attachments.c.attachment_id == "", attachments.c.released)))

    def knowledge(self, volume_id: str) -> Knowledge | None:
        """What we know of a volume's content."""
        row = self._connection.execute(select(volumes).where(volumes.c.volume_id == volume_id)).first()
        return Knowledge(row.volume_id, Content(row.content), row.as_of) if row else None

    def contents(self) -> dict[str, Content]:
        """Of all volumes."""
        return {row.volume_id: Content(row.content) for row in self._connection.execute(select(volumes))}

    def learn(self, new: Knowledge) -> None:
        """Keep this; but what holds data stays so, whatever is said here."""
        before = self.knowledge(new.volume_id)
        values = {"content": new.content.value, "as_of": new.as_of}
        if before is None:
            self._connection.execute(insert(volumes).values(volume_id=new.volume_id, **values))
        elif before.content is not Content.DATA:
            self._connection.execute(update(volumes).where(volumes.c.volume_id == new.volume_id).values(**values))

    def forget(self, volume_id: str) -> None:
        """The volume is gone."""
        self._connection.execute(delete(volumes).where(volumes.c.volume_id == volume_id))

    def _select(self, statement: Select[Any]) -> tuple[Passed, ...]:
        return tuple(map(_passed, self._connection.execute(statement.order_by(attachments.c.created_at, attachments.c.key))))


def _passed(row: Row[Any]) -> Passed:
    return Passed(**row._mapping)
