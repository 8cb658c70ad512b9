"""What the instances' listener asks of an engine: it is written against this, and does not know which one it has."""

from __future__ import annotations

from typing import Protocol

from blockstore.attachment import Attachment
from blockstore.connector import Connector
from blockstore.report import Report


class Engine(Protocol):
    """Everything is asked by an instance for itself: what belongs to another one is `NotFound`.

    An attachment is described as its owner may see it; ``connection`` is there in the answer of `connect` and in no other.
    What takes longer than a statement of the database is awaited, and never holds up the event loop.
    """

    async def attachments(self, instance: str) -> tuple[Attachment, ...]:
        """All of this instance, in the order in which they were reserved."""

    async def attachment(self, identifier: str, instance: str) -> Attachment:
        """One of them. Raises `NotFound`."""

    async def connect(self, identifier: str, connector: Connector, instance: str) -> Attachment:
        """Let this initiator in; with the secret. Raises `Conflict` for another initiator, and while it is detaching."""

    async def complete(self, identifier: str, instance: str) -> None:
        """The instance uses it. Raises `Conflict` unless it was connected."""

    async def release(self, identifier: str, instance: str) -> None:
        """The instance let go: the initiator is not let in any more, the volume is free."""

    async def heard(self, instance: str, report: Report) -> None:
        """Keep what the instance did; a volume that carries a file system is not blank any more."""

    async def wait(self, instance: str, seconds: float) -> bool:
        """Wait until something of `attachments` may have changed; False where nothing did in this time."""
