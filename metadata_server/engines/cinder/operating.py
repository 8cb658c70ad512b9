"""The operators' side: volumes are Cinder's, attachments for our instances are reserved there through us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from metadata_server.chance import new_id
from metadata_server.domain.errors import Conflict, Invalid, NotFound, ServerError, Unavailable
from metadata_server.domain.passed import (
    Content,
    Knowledge,
    Known,
    NewVolume,
    Passed,
    SeenAttachment,
    SeenVolume,
    Steady,
    check_reserve,
    check_vouched,
    content_at_reserve,
    holder,
)  # fmt: skip
from metadata_server.engines.cinder.ending import Ending
from metadata_server.engines.cinder.parts import CinderParts
from metadata_server.workflow.parts import now

# Nobody attaches a volume, writes to it and detaches it again in this time, between our look at it and our reservation. A busier
# Cinder than that leaves a doubt: then the volume is not called blank.
QUICK_SECONDS = 3.0
SETTLE_SECONDS, SETTLE_PAUSE = 30.0, 0.25


class Operating:
    """See `VolumeService`."""

    def __init__(self, parts: CinderParts) -> None:
        self._parts, self._ending = parts, Ending(parts)

    async def volumes(self) -> tuple[Known, ...]:
        """All of the project."""
        return tuple(self._known(each) for each in await self._parts.calls.call(self._parts.client.volumes))

    async def volume(self, identifier: str) -> Known:
        """One. Raises `NotFound`."""
        return self._known(await self._parts.calls.call(self._parts.client.volume, identifier))

    async def create_volume(self, wish: NewVolume) -> Known:
        """A new one; of one that is made from nothing we know that it is blank. The answer waits until it is ready, so that what
        changes it afterwards is known to be somebody else."""
        seen = await self._parts.calls.call(self._parts.client.create_volume, wish)
        await self._settled(seen.id)
        return await self.volume(seen.id)

    async def delete_volume(self, identifier: str) -> None:
        """Destroy it; Cinder refuses what is attached."""
        await self._parts.calls.call(self._parts.client.delete_volume, identifier)
        with self._parts.store.begin() as transaction:
            transaction.passed.forget(identifier)

    async def extend(self, identifier: str, size: int) -> None:
        """Grow it, as far as Cinder's storage can."""
        before = await self.volume(identifier)
        await self._parts.calls.call(self._parts.client.act, identifier, "os-extend", {"new_size": size})
        if before.content is Content.BLANK and before.attachment is None:
            await self._settled(identifier)

    async def reserve(self, volume_id: str, instance_id: str, mode: str, *, vouched: bool) -> Passed:
        """This volume belongs to that instance. ``vouched``: the operator says that nobody ever wrote to it."""
        with self._parts.store.begin() as transaction:
            if transaction.instances.get(instance_id) is None:
                raise NotFound(f"Instance {instance_id} could not be found.")
        begun = time.monotonic()
        seen = await self._parts.calls.call(self._parts.client.volume, volume_id)
        check_reserve(seen, mode)
        content = self._content(seen, vouched=vouched)
        if vouched:
            check_vouched(content, seen)
        await self._forget_what_is_gone(volume_id)
        one = Passed(new_id(), volume_id, instance_id, mode, now())
        self._parts.observe("passed: record reservation")
        with self._parts.store.begin() as transaction:
            if there := transaction.passed.of_volume(volume_id):
                instance = transaction.instances.get(there.instance_id)
                raise Conflict(f"Volume {volume_id} is taken: {holder(there, instance.name if instance else '')}.")
            transaction.passed.add(one)
        reserved = await self._reserve(one)
        if time.monotonic() - begun > QUICK_SECONDS and content is Content.BLANK and not vouched:
            content = Content.UNKNOWN
        return self._keep(reserved, Knowledge(volume_id, content, seen.updated_at))

    async def detach(self, identifier: str) -> Passed | None:
        """Ask the instance to let go; None where it never connected, so that the attachment is gone at once."""
        one = self._parts.get(identifier)
        if not one.initiator:
            await self._ending.release(one)
            return None
        if one.completed:
            await self._try("os-begin_detaching", one)
        return self._parts.change("passed: ask to detach", identifier, lambda row: replace(row, detaching=True))

    async def keep(self, identifier: str) -> Passed:
        """Take back the wish to detach."""
        one = self._parts.get(identifier)
        await self._try("os-roll_detaching", one)
        return self._parts.change("passed: keep", identifier, lambda row: replace(row, detaching=False))

    async def release(self, identifier: str) -> Passed:
        """At once, whatever the instance does with it."""
        one = self._parts.get(identifier)
        await self._ending.release(one)
        return one

    async def attachments(self) -> tuple[tuple[Passed, SeenAttachment], ...]:
        """All of ours, as they are in Cinder now."""
        with self._parts.store.begin() as transaction:
            rows = [row for row in transaction.passed.all() if row.attachment_id]
        there = await self._parts.calls.call(self._parts.client.attachments, {row.attachment_id for row in rows}) if rows else {}
        return tuple((row, there[row.attachment_id]) for row in rows if row.attachment_id in there)

    async def attachment(self, identifier: str) -> tuple[Passed, SeenAttachment, Mapping[str, object]]:
        """One, with its connection_info. Raises `NotFound`."""
        one = self._parts.get(identifier)
        try:
            return one, *await self._parts.calls.call(self._parts.client.attachment, identifier)
        except NotFound:
            await self._ending.forget(one)
            raise NotFound(f"Attachment {identifier} could not be found.") from None

    async def _reserve(self, one: Passed) -> Passed:
        """In Cinder. What it refuses is forgotten at once; without an answer nobody knows, and the tidier looks later."""
        self._parts.flying.add(one.key)
        try:
            self._parts.observe("passed: reserve in Cinder")
            words = one.volume_id, one.instance_id, one.mode
            identifier = await self._parts.calls.call(self._parts.client.reserve, *words)
        except Unavailable:
            raise
        except ServerError:
            with self._parts.store.begin() as transaction:
                transaction.passed.remove(one)
            raise
        finally:
            self._parts.flying.discard(one.key)
        return replace(one, attachment_id=identifier)

    def _keep(self, one: Passed, knowledge: Knowledge) -> Passed:
        self._parts.observe("passed: record attachment")
        with self._parts.store.begin() as transaction:
            transaction.passed.save(one)
            transaction.passed.learn(knowledge)
        self._parts.tell(one)
        return one

    async def _forget_what_is_gone(self, volume_id: str) -> None:
        """Somebody may have ended our attachment in Cinder itself."""
        with self._parts.store.begin() as transaction:
            one = transaction.passed.of_volume(volume_id)
        if one is not None and one.attachment_id and await self._ending.gone(one):
            await self._ending.forget(one)

    async def _settled(self, identifier: str) -> None:
        """Wait until a volume that is blank is ready, and note as of when. Where that fails nothing is known of it, so that it
        counts as one with data."""
        deadline = time.monotonic() + SETTLE_SECONDS
        steady = Steady()
        while time.monotonic() < deadline:
            try:
                seen = await self._parts.calls.call(self._parts.client.volume, identifier)
            except ServerError:
                return
            if seen.origin or seen.status not in ("available", "creating", "extending"):
                return
            if steady.look(seen, time.monotonic()):
                with self._parts.store.begin() as transaction:
                    transaction.passed.learn(Knowledge(identifier, Content.BLANK, seen.updated_at))
                return
            await asyncio.sleep(SETTLE_PAUSE)

    async def _try(self, action: str, one: Passed) -> None:
        """Cinder's own word for it, so that it shows there; where it does not fit the volume's state our row says it alone."""
        try:
            await self._parts.calls.call(self._parts.client.act, one.volume_id, action, {})
        except Invalid:
            return

    def _known(self, seen: SeenVolume) -> Known:
        with self._parts.store.begin() as transaction:
            one = transaction.passed.of_volume(seen.id)
        if one is None:
            return Known(seen, self._content(seen, vouched=False), None)
        with self._parts.store.begin() as transaction:
            knowledge = transaction.passed.knowledge(seen.id)
        return Known(seen, knowledge.content if knowledge else Content.UNKNOWN, one)

    def _content(self, seen: SeenVolume, *, vouched: bool) -> Content:
        with self._parts.store.begin() as transaction:
            return content_at_reserve(transaction.passed.knowledge(seen.id), seen, vouched=vouched)
