"""Whether the server can do its work, and the figures of what it has."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from blockstore.attachment import Status
from blockstore.errors import BlockstoreError
from metadata_server.domain.volume import BY_ATTACHMENT, Lifecycle
from metadata_server.workflow.shared import SharedParts

# Nobody needs a token to ask, so that asking may not cost more than one look in this time.
FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class Amounts:
    """Volumes and attachments by status, instances, and exports that are not as they should be."""

    volumes: dict[str, int]
    attachments: dict[str, int]
    instances: int
    faults: int


class Health:
    """``target`` says whether the target daemon runs."""

    def __init__(self, parts: SharedParts, target: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._parts, self._target, self._clock = parts, target, clock
        self._seen: dict[str, bool] = {}
        self._looked = -FRESH_SECONDS

    def look(self) -> dict[str, bool]:
        """What works, by name."""
        now = self._clock()
        if now - self._looked >= FRESH_SECONDS:
            self._seen, self._looked = {"database": self._database(), "target": self._target()}, now
        return self._seen

    def _database(self) -> bool:
        try:
            with self._parts.store.read() as transaction:
                transaction.counts.database()
        except BlockstoreError:
            return False
        return True

    def amounts(self) -> Amounts:
        """As they are now. Raises `Unavailable`."""
        with self._parts.store.read() as transaction:
            counts = transaction.counts
            attachments, instances = counts.attachments(), counts.instances()
            volumes = counts.volumes(attachments)
        by_word: Counter[str] = Counter()
        for (lifecycle, status), count in volumes.items():
            by_word[volume_word(lifecycle, status)] += count
        return Amounts(dict(by_word), attachments, instances, len(self._parts.faults))


def volume_word(lifecycle: str, attachment: str) -> str:
    """As `metadata_server.domain.volume.status` says it."""
    if lifecycle != Lifecycle.READY.value:
        return lifecycle
    return dict(BY_ATTACHMENT).get(Status(attachment), "available") if attachment else "available"
