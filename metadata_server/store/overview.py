"""What the operators' page reads: a page of instances or volumes with what belongs to them, in a fixed number of statements.

No secret is read here, so that none can be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, union_all

from blockstore.attachment import Status
from metadata_server.domain.states import Lifecycle
from metadata_server.store.tables import attachments, instances, reports, volumes


@dataclass(frozen=True)
class Wish:
    """Which part of a list: ``text`` is a part of the name, or the begin of an id; ``after`` the id that it begins after."""

    text: str = ""
    trouble: bool = False
    after: str = ""
    limit: int = 20


@dataclass(frozen=True)
class InstanceRow:
    """An instance with its newest report."""

    id: str
    name: str
    initiator_name: str
    created_at: str
    report: Mapping[str, object] | None
    received_at: str


@dataclass(frozen=True)
class VolumeRow:
    """A volume, with the attachment that it has."""

    id: str
    name: str
    size: int
    lifecycle: str
    volume_type: str
    attachment: AttachmentRow | None


@dataclass(frozen=True)
class AttachmentRow:
    """An attachment with the names of both its ends; "" for an instance that is not registered here."""

    id: str
    status: str
    mode: str
    attached_at: str
    volume_id: str
    volume: str
    size: int
    instance_id: str
    instance: str


_INSTANCE = (
    *(instances.c.id, instances.c.name, instances.c.initiator_name, instances.c.created_at),
    *(reports.c.body, reports.c.received_at),
)
_ATTACHMENT = (
    *(attachments.c.id.label("attachment_id"), attachments.c.status, attachments.c.mode, attachments.c.attached_at),
    *(attachments.c.instance_id, instances.c.name.label("instance")),
)
_BROKEN = [each.value for each in Lifecycle if each.value.startswith("error")]
_VOLUME = (volumes.c.id, volumes.c.name, volumes.c.size, volumes.c.lifecycle, volumes.c.volume_type)
_OF_INSTANCE = attachments.outerjoin(instances, instances.c.id == attachments.c.instance_id)


class Overview:
    """Statements that read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def instances(self, wish: Wish) -> tuple[InstanceRow, ...]:
        """By name. One more than ``wish.limit``, where there are more."""
        query = select(*_INSTANCE).select_from(instances.outerjoin(reports, reports.c.instance_id == instances.c.id))
        if wish.trouble:
            query = query.where(reports.c.healthy.is_(False))
        rows = self._connection.execute(self._part(query, instances.c, wish))
        return tuple(
            InstanceRow(row.id, row.name, row.initiator_name, row.created_at, row.body, row.received_at or "") for row in rows
        )

    def instance(self, identifier: str) -> InstanceRow | None:
        """One of them, without its report."""
        row = self._connection.execute(select(instances).where(instances.c.id == identifier)).first()
        return InstanceRow(row.id, row.name, row.initiator_name, row.created_at, None, "") if row else None

    def volumes(self, wish: Wish) -> tuple[VolumeRow, ...]:
        """By name. One more than ``wish.limit``, where there are more."""
        # One join after the other: SQLite makes a table of a join in brackets, each time.
        joined = volumes.outerjoin(attachments, attachments.c.volume_id == volumes.c.id)
        joined = joined.outerjoin(instances, instances.c.id == attachments.c.instance_id)
        query = select(*_VOLUME, *_ATTACHMENT).select_from(joined)
        if wish.trouble:
            broken = select(volumes.c.id).where(volumes.c.lifecycle.in_(_BROKEN))
            failed = select(attachments.c.volume_id).where(attachments.c.status == Status.ERROR_ATTACHING.value)
            query = query.where(volumes.c.id.in_(union_all(broken, failed)))
        rows = self._connection.execute(self._part(query, volumes.c, wish))
        return tuple(_volume(row) for row in rows)

    def attachments(self, owners: Iterable[str]) -> dict[str, list[AttachmentRow]]:
        """Those of these instances, by instance, the first reserved first."""
        joined = _OF_INSTANCE.join(volumes, volumes.c.id == attachments.c.volume_id)
        query = select(*_VOLUME, *_ATTACHMENT).select_from(joined).where(attachments.c.instance_id.in_(list(owners)))
        found: dict[str, list[AttachmentRow]] = {}
        for row in self._connection.execute(query.order_by(attachments.c.created_at, attachments.c.id)):
            found.setdefault(row.instance_id, []).append(_attachment(row))
        return found

    def failing(self, volume_ids: Iterable[str], most: int) -> tuple[AttachmentRow, ...]:
        """Attachments that failed, and those of these volumes."""
        joined = _OF_INSTANCE.join(volumes, volumes.c.id == attachments.c.volume_id)
        failed = or_(attachments.c.status == Status.ERROR_ATTACHING.value, attachments.c.volume_id.in_(list(volume_ids)))
        query = select(*_VOLUME, *_ATTACHMENT).select_from(joined).where(failed)
        rows = self._connection.execute(query.order_by(attachments.c.created_at, attachments.c.id).limit(most))
        return tuple(_attachment(row) for row in rows)

    def _part(self, query: Select[Any], columns: Any, wish: Wish) -> Select[Any]:
        name, identifier = columns["name"], columns["id"]
        if wish.text:
            like: ColumnElement[bool] = func.lower(name).contains(wish.text.lower(), autoescape=True)
            query = query.where(or_(like, identifier.startswith(wish.text, autoescape=True)))
        if wish.after:
            last = self._connection.execute(select(name).where(identifier == wish.after)).scalar()
            if last is not None:
                # Not (name, id) > (…): SQLite uses the index of the name for the first condition alone.
                query = query.where(name >= last, or_(name > last, identifier > wish.after))
        return query.order_by(name, identifier).limit(wish.limit + 1)


def _volume(row: Any) -> VolumeRow:
    own = _attachment(row) if row.attachment_id else None
    return VolumeRow(row.id, row.name, row.size, row.lifecycle, row.volume_type, own)


def _attachment(row: Any) -> AttachmentRow:
    return AttachmentRow(
        row.attachment_id, row.status, row.mode, row.attached_at, row.id, row.name, row.size, row.instance_id, row.instance or ""
    )
