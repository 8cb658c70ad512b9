"""The instances' side: what they ask is asked of Cinder, and what only we know is added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from blockstore.attachment import Attachment, Status
from blockstore.connector import Connector
from blockstore.report import Report
from metadata_server.domain.errors import Conflict, Invalid, NotFound
from metadata_server.domain.passed import Content, Knowledge, Passed, SeenAttachment, bind, check_complete
from metadata_server.domain.report import written
from metadata_server.engines.cinder import reading
from metadata_server.engines.cinder.ending import Ending
from metadata_server.engines.cinder.parts import CinderParts
from metadata_server.engines.cinder.views import Views
from metadata_server.engines.cinder.watching import Watch
from metadata_server.workflow import changes
from metadata_server.workflow.instances import Instances


class Cinder:
    """See `Engine`. Only attachments that were reserved through this server are an instance's: one that Nova has under the same
    instance id is attached to its hypervisor, and must never be connected a second time."""

    def __init__(self, parts: CinderParts, poll: float) -> None:
        self._parts = parts
        self._ending = Ending(parts)
        self._views = Views(parts, self._ending)
        self._watch = Watch(self._views, parts.changes, poll)

    async def attachments(self, instance: str) -> tuple[Attachment, ...]:
        """See `Engine.attachments`."""
        found = await self._views.of_instance(instance)
        self._watch.served(instance, found)
        return found

    async def attachment(self, identifier: str, instance: str) -> Attachment:
        """See `Engine.attachment`."""
        self._parts.get(identifier, instance)
        for each in await self._views.of_instance(instance):
            if each.id == identifier:
                return each
        raise NotFound(f"Attachment {identifier} could not be found.")

    async def connect(self, identifier: str, connector: Connector, instance: str) -> Attachment:
        """See `Engine.connect`."""
        before = self._parts.get(identifier, instance)
        one = self._parts.change("passed: bind", identifier, lambda row: bind(row, connector))
        try:
            info = await self._info(before, connector)
        except (Invalid, Conflict):
            if not before.initiator:
                self._parts.change("passed: unbind", identifier, lambda row: replace(row, initiator=""))
            raise
        connection = reading.connection(info, one.volume_id)
        self._parts.tell(one)
        found = await self.attachment(identifier, instance)
        status = Status.ATTACHED if found.status is Status.ATTACHED else Status.ATTACHING
        return replace(found, status=status, connection=connection)

    async def complete(self, identifier: str, instance: str) -> None:
        """See `Engine.complete`."""
        one = self._parts.get(identifier, instance)
        seen, _ = await self._seen(one)
        check_complete(one, seen)
        if one.completed and seen.status == "attached":
            return
        # Before Cinder hears of it: what follows for the volume's content must never be lost.
        self._parts.change("passed: complete", identifier, lambda row: replace(row, completed=True))
        self._parts.observe("passed: complete in Cinder")
        await self._parts.calls.call(self._parts.client.complete, identifier)
        self._parts.tell(one)

    async def release(self, identifier: str, instance: str) -> None:
        """See `Engine.release`."""
        await self._ending.release(self._parts.get(identifier, instance))

    async def heard(self, instance: str, report: Report) -> None:
        """See `Engine.heard`."""
        with self._parts.store.begin() as transaction:
            own = {row.volume_id for row in transaction.passed.of_instance(instance)}
            for volume_id in sorted(written(report) & own):
                transaction.passed.learn(Knowledge(volume_id, Content.DATA, ""))
        Instances(self._parts).report(instance, report)
        self._parts.changes.tell(changes.instance(instance))

    async def wait(self, instance: str, seconds: float) -> bool:
        """See `Engine.wait`."""
        return await self._watch.wait(instance, seconds)

    async def _info(self, before: Passed, connector: Connector) -> Mapping[str, object]:
        """connection_info: the one that Cinder has for this initiator, else a new one. (To be told a connector again makes
        Cinder forget that the attachment was completed.)"""
        _, info = await self._seen(before)
        if info and before.initiator == connector.initiator:
            return info
        self._parts.observe("passed: connect in Cinder")
        return await self._parts.calls.call(self._parts.client.connect, before.attachment_id, connector, before.mode)

    async def _seen(self, one: Passed) -> tuple[SeenAttachment, Mapping[str, object]]:
        """What Cinder has. Raises `NotFound` where somebody ended it there; then it is forgotten here, too."""
        try:
            return await self._parts.calls.call(self._parts.client.attachment, one.attachment_id)
        except NotFound:
            await self._ending.forget(one)
            raise NotFound(f"Attachment {one.attachment_id} could not be found.") from None
