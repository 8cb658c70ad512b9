"""Whether the server can do its work where Cinder owns the volumes, and the figures of what it has itself."""

from __future__ import annotations

from collections import Counter

from metadata_server.engines.cinder.parts import CinderParts
from metadata_server.workflow.health import Amounts, Health


class CinderHealth(Health):
    """Cinder is not asked for it: it says how the last call ended."""

    def __init__(self, parts: CinderParts) -> None:
        super().__init__(parts, lambda: parts.calls.answered)
        self._rows = parts.store

    def look(self) -> dict[str, bool]:
        """What works, by name."""
        seen = super().look()
        return {"database": seen["database"], "cinder": seen["target"]}

    def amounts(self) -> Amounts:
        """As they are now. Raises `Unavailable`."""
        with self._rows.read() as transaction:
            rows, instances = transaction.passed.all(), transaction.counts.instances()
        words = Counter("detaching" if row.detaching else "attached" if row.completed else "reserved" for row in rows)
        return Amounts({}, dict(words), instances, 0)
