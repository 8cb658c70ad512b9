"""Statements on quotas: only what was set is here."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from metadata_server.store.tables import quotas


class Quotas:
    """Limits by resource."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, int]:
        """What was set."""
        return {row.resource: row.amount for row in self._connection.execute(select(quotas))}

    def hold(self) -> dict[str, int]:
        """As `all`, and whoever else would hold them waits until this transaction ends: what is counted then stays so."""
        self._connection.execute(update(quotas).values(amount=quotas.c.amount))
        return self.all()

    def set(self, limits: Mapping[str, int]) -> None:
        """Write these."""
        self._connection.execute(delete(quotas).where(quotas.c.resource.in_(limits)))
        for resource, amount in limits.items():
            self._connection.execute(insert(quotas).values(resource=resource, amount=amount))

    def clear(self) -> None:
        """Forget all that was set."""
        self._connection.execute(delete(quotas))
