"""This server's own volumes: answered from its database at once, so that nothing is awaited but a change."""

from __future__ import annotations

from dataclasses import replace

from blockstore.attachment import Attachment
from blockstore.connector import Connector
from blockstore.report import Report
from metadata_server.workflow import changes
from metadata_server.workflow.exports import described
from metadata_server.workflow.services import Services


class Own:
    """See `Engine`."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def attachments(self, instance: str) -> tuple[Attachment, ...]:
        """See `Engine.attachments`."""
        return tuple(described(*each) for each in self._services.attachments.of_instance(instance))

    async def attachment(self, identifier: str, instance: str) -> Attachment:
        """See `Engine.attachment`."""
        return described(*self._services.attachments.get(identifier, instance))

    async def connect(self, identifier: str, connector: Connector, instance: str) -> Attachment:
        """See `Engine.connect`."""
        attachment, volume = self._services.attachments.connect(identifier, connector, instance)
        return replace(described(attachment, volume), connection=self._services.connection(attachment))

    async def complete(self, identifier: str, instance: str) -> None:
        """See `Engine.complete`."""
        self._services.attachments.complete(identifier, instance)

    async def release(self, identifier: str, instance: str) -> None:
        """See `Engine.release`."""
        self._services.attachments.release(identifier, instance)

    async def heard(self, instance: str, report: Report) -> None:
        """See `Engine.heard`."""
        self._services.instances.report(instance, report)

    async def wait(self, instance: str, seconds: float) -> bool:
        """See `Engine.wait`."""
        return await self._services.changes.wait(changes.instance(instance), seconds)
