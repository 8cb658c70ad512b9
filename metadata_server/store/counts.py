"""How many there are of each kind: counted by the database, because an operator's graph asks every few seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from metadata_server.domain.states import Lifecycle
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

    def volumes(self, by_status: Mapping[str, int]) -> dict[tuple[str, str], int]:
        """By lifecycle, and the status of the attachment ("" without one); ``by_status`` is what `attachments` gave."""
        lifecycles = select(volumes.c.lifecycle, func.count()).group_by(volumes.c.lifecycle)
        whole = {str(word): int(count) for word, count in self._connection.execute(lifecycles)}
        # Nearly all are ready: only the others are looked up one by one.
        ready = Lifecycle.READY.value
        joined = volumes.join(attachments, attachments.c.volume_id == volumes.c.id)
        others = select(volumes.c.lifecycle, attachments.c.status, func.count()).select_from(joined)
        others = others.where(volumes.c.lifecycle != ready).group_by(volumes.c.lifecycle, attachments.c.status)
        found = {(str(word), str(status)): int(count) for word, status, count in self._connection.execute(others)}
        taken = Counter({(ready, status): count for status, count in by_status.items()})
        for (_, status), count in found.items():
            taken[ready, status] -= count
        found.update(taken)
        free = Counter({(word, ""): count for word, count in whole.items()})
        for (word, _), count in found.items():
            free[word, ""] -= count
        return {key: count for key, count in (*found.items(), *free.items()) if count > 0}

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
