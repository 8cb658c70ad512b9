"""How many there are of each kind: counted by the database, because an operator's graph asks every few seconds."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from metadata_server.store.tables import attachments, instances, snapshots, volumes


class Counts:
    """Statements that count."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def database(self) -> None:
        """Whether it answers at all."""
        self._connection.execute(select(instances.c.id).limit(1)).first()

    def instances(self) -> int:
        """All instances."""
        return int(self._connection.execute(select(func.count()).select_from(instances)).scalar_one())

    def attachments(self) -> dict[str, int]:
        """By status."""
        query = select(attachments.c.status, func.count()).group_by(attachments.c.status)
        return {str(status): int(count) for status, count in self._connection.execute(query)}

    def volumes(self) -> dict[tuple[str, str], int]:
        """By lifecycle, and the status of the attachment ("" without one)."""
        joined = volumes.outerjoin(attachments, attachments.c.volume_id == volumes.c.id)
        query = select(volumes.c.lifecycle, attachments.c.status, func.count()).select_from(joined)
        found = self._connection.execute(query.group_by(volumes.c.lifecycle, attachments.c.status))
        return {(lifecycle, status or ""): count for lifecycle, status, count in found}

    def snapshots(self) -> dict[str, int]:
        """By status."""
        query = select(snapshots.c.status, func.count()).group_by(snapshots.c.status)
        return {str(status): int(count) for status, count in self._connection.execute(query)}

    def volume_types(self) -> dict[str, int]:
        """Volumes by type."""
        query = select(volumes.c.volume_type, func.count()).group_by(volumes.c.volume_type)
        return {str(name): int(count) for name, count in self._connection.execute(query)}

    def exports(self) -> int:
        """Attachments that are to be exported, as `metadata_server.domain.attachment.wanted` has it."""
        wanted = attachments.c.connector.is_not(None) & attachments.c.username.is_not(None) & ~attachments.c.released
        return int(self._connection.execute(select(func.count()).select_from(attachments).where(wanted)).scalar_one())
