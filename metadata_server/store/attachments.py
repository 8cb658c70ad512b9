"""Statements on attachments."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Update, bindparam, case, delete, insert, or_, select, text, true, update

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.attachment import Attachment, Ending, writes
from metadata_server.domain.page import Page
from metadata_server.domain.states import ATTACHMENT, Move, legal
from metadata_server.domain.volume import Volume
from metadata_server.store.listing import Column, paged
from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import UNFINISHED, attachments, volumes
from metadata_server.store.volumes import volume_of

# Statements of nearly every request are built once: building one costs as much as running it.
_OLDEST_FIRST = (attachments.c.created_at, attachments.c.id)
_BY_ID = Prepared(select(attachments).where(attachments.c.id == bindparam("key")))
_OF_VOLUME = Prepared(select(attachments).where(attachments.c.volume_id == bindparam("key")).order_by(*_OLDEST_FIRST))
_OF_INSTANCE = Prepared(select(attachments).where(attachments.c.instance_id == bindparam("key")).order_by(*_OLDEST_FIRST))
_BOTH = select(attachments, volumes).join(volumes, volumes.c.id == attachments.c.volume_id)
_BOTH_BY_ID = Prepared(_BOTH.where(attachments.c.id == bindparam("key")))
_BOTH_OF_INSTANCE = Prepared(_BOTH.where(attachments.c.instance_id == bindparam("key")).order_by(*_OLDEST_FIRST))
_ALL_BOTH = Prepared(_BOTH.order_by(*_OLDEST_FIRST))
_ADD = Prepared(insert(attachments))
_SAME = (
    attachments.c.id == bindparam("key"), attachments.c.status == bindparam("before"),
    attachments.c.released == bindparam("released_before"),
)  # fmt: skip
_COMPLETED = [before.value for before, after in legal(ATTACHMENT, Move.COMPLETE).items() if before is not after]
_COMPLETE = (
    update(attachments)
    .where(
        attachments.c.id == bindparam("key"), ~attachments.c.released,
        or_(*(attachments.c.status == before for before in _COMPLETED)),
    )
    .values(
        status=Status.ATTACHED.value,
        attached_at=case((attachments.c.attached_at == "", bindparam("moment")), else_=attachments.c.attached_at),
    )
    .returning(attachments.c.instance_id)
)  # fmt: skip
_RELEASE = (
    update(attachments)
    .where(attachments.c.id == bindparam("key"))
    .values(status=Status.DETACHING.value, released=true())
    .returning(
        attachments.c.volume_id, attachments.c.instance_id, attachments.c.mode, attachments.c.attached_at,
        select(volumes.c.blank).where(volumes.c.id == attachments.c.volume_id).scalar_subquery().label("blank"),
    )
)  # fmt: skip
_REMOVE = Prepared(delete(attachments).where(attachments.c.id == bindparam("key")))
_UNFINISHED = select(attachments.c.id).where(text(UNFINISHED)).limit(1)


def _of(statement: Update) -> tuple[Prepared, Prepared]:
    """Of anybody's, and of one instance's."""
    return Prepared(statement), Prepared(statement.where(attachments.c.instance_id == bindparam("owner")))


_COMPLETES, _RELEASES = _of(_COMPLETE), _of(_RELEASE)
# The two tables have columns of one name: their parts of a row are told apart by position.
_WIDTH = len(attachments.c)
_Row = namedtuple("_Row", attachments.c.keys())  # type: ignore[misc]
_VolumeRow = namedtuple("_VolumeRow", volumes.c.keys())  # type: ignore[misc]


class Attachments:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, attachment: Attachment) -> None:
        """Insert one."""
        _ADD.write(self._connection, **_values(attachment))

    def swap(self, before: Attachment, after: Attachment) -> bool:
        """Write what changed, if it is still in the state that it was in: of many that ask at once one gets it, in whatever
        process they are. Gives whether it was."""
        old = _values(before)
        changed = {key: value for key, value in _values(after).items() if value != old[key] or key == "status"}
        words = {"key": before.id, "before": before.status.value, "released_before": before.released, **changed}
        return _swap(tuple(changed)).write(self._connection, **words) == 1

    def complete(self, identifier: str, owner: str | None, moment: str) -> str | None:
        """As `Move.COMPLETE` where that changes anything, in one statement. Gives the instance of it; None where nothing is
        changed. With an ``owner`` only where it is that instance's."""
        row = _first(_COMPLETES, self._connection, owner, key=identifier, moment=moment)
        return None if row is None else str(row.instance_id)

    def release(self, identifier: str, owner: str | None) -> Ending | None:
        """It is released from now on, whatever it was, in one statement; None where there is none (of this ``owner``)."""
        row = _first(_RELEASES, self._connection, owner, key=identifier)
        if row is None:
            return None
        return Ending(identifier, row.volume_id, row.instance_id, row.blank and writes(row.mode, row.attached_at))

    def remove(self, identifier: str) -> None:
        """Delete the row."""
        _REMOVE.write(self._connection, key=identifier)

    def get(self, identifier: str) -> Attachment | None:
        """By id."""
        return next(iter(self._found(_BY_ID, key=identifier)), None)

    def get_both(self, identifier: str) -> tuple[Attachment, Volume] | None:
        """By id, with its volume, in one statement."""
        return next(iter(self._both(_BOTH_BY_ID, key=identifier)), None)

    def of_volume(self, identifier: str) -> tuple[Attachment, ...]:
        """Those of one volume."""
        return self._found(_OF_VOLUME, key=identifier)

    def of_instance(self, identifier: str) -> tuple[Attachment, ...]:
        """Those of one instance, oldest first: the order in which it should bring them up."""
        return self._found(_OF_INSTANCE, key=identifier)

    def both_of_instance(self, identifier: str) -> tuple[tuple[Attachment, Volume], ...]:
        """Those of one instance, each with its volume, in one statement, in the same order."""
        return self._both(_BOTH_OF_INSTANCE, key=identifier)

    def all_both(self) -> tuple[tuple[Attachment, Volume], ...]:
        """All, each with its volume, oldest first."""
        return self._both(_ALL_BOTH)

    def all(self) -> tuple[Attachment, ...]:
        """All, oldest first."""
        return self._select(select(attachments))

    def of_volumes(self, identifiers: Iterable[str]) -> tuple[Attachment, ...]:
        """Those of these volumes (no more than a page of them)."""
        return self._select(select(attachments).where(attachments.c.volume_id.in_(tuple(identifiers))))

    def page(self, page: Page) -> tuple[Attachment, ...]:
        """Those of one page. Raises `Invalid` and `NotFound` as `paged`."""
        return tuple(map(_attachment, self._connection.execute(paged(self._connection, select(attachments), _COLUMNS, page))))

    def unfinished(self) -> bool:
        """Whether any is being released, or failed."""
        return self._connection.execute(_UNFINISHED).first() is not None

    def _found(self, statement: Prepared, **values: object) -> tuple[Attachment, ...]:
        return tuple(map(_attachment, statement.rows(self._connection, **values)))

    def _both(self, statement: Prepared, **values: object) -> tuple[tuple[Attachment, Volume], ...]:
        rows = statement.rows(self._connection, **values)
        return tuple((_attachment(_Row(*row[:_WIDTH])), volume_of(_VolumeRow(*row[_WIDTH:]))) for row in rows)

    def _select(self, statement: Select[Any]) -> tuple[Attachment, ...]:
        ordered = statement.order_by(attachments.c.created_at, attachments.c.id)
        return tuple(map(_attachment, self._connection.execute(ordered)))


@cache
def _swap(columns: tuple[str, ...]) -> Prepared:
    """That writes these. What stays is not written again: SQLite would write its indexes, too."""
    return Prepared(update(attachments).where(*_SAME).values({key: bindparam(key) for key in columns}))


def _first(statements: tuple[Prepared, Prepared], connection: Connection, owner: str | None, **values: object) -> Any:
    anybodys, owned = statements
    return anybodys.first(connection, **values) if owner is None else owned.first(connection, owner=owner, **values)


_COLUMNS: dict[str, Column] = {
    "id": attachments.c.id, "volume_id": attachments.c.volume_id, "instance_id": attachments.c.instance_id,
    "status": attachments.c.status, "attach_status": attachments.c.status, "attach_mode": attachments.c.mode,
    "created_at": attachments.c.created_at,
}  # fmt: skip


def _values(attachment: Attachment) -> dict[str, object]:
    chap, connector = attachment.chap, attachment.connector
    mutual = chap is not None and chap.password_in is not None
    return {
        "id": attachment.id, "volume_id": attachment.volume_id, "instance_id": attachment.instance_id,
        "status": attachment.status.value, "mode": attachment.mode, "mutual": attachment.mutual,
        "connector": connector.to_wire() if connector else None,
        "username": chap.username if chap else None,
        "password": chap.password.reveal() if chap else None,
        "username_in": chap.username_in if chap and mutual else None,
        "password_in": chap.password_in.reveal() if chap and chap.password_in else None,
        "released": attachment.released, "created_at": attachment.created_at, "attached_at": attachment.attached_at,
    }  # fmt: skip


def _attachment(row: Any) -> Attachment:
    return Attachment(
        id=row.id, volume_id=row.volume_id, instance_id=row.instance_id, status=Status(row.status), mode=row.mode,
        mutual=row.mutual, created_at=row.created_at, attached_at=row.attached_at,
        connector=_connector(tuple(row.connector.items())) if row.connector else None,
        chap=_chap(row), released=row.released,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _connector(words: tuple[tuple[str, object], ...]) -> Connector:
    """Remembered: it is asked for several times while an instance connects, and it has one for all its volumes."""
    return Connector.from_wire(dict(words))


def _chap(row: Any) -> Chap | None:
    if row.username is None:
        return None
    password_in = Secret(row.password_in) if row.password_in is not None else None
    return Chap(row.username, Secret(row.password), row.username_in or "", password_in)
