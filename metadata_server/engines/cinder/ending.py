"""The end of an attachment: in Cinder first, then here, with what follows for the volume's content."""

from __future__ import annotations

from dataclasses import replace

from metadata_server.domain.errors import NotFound
from metadata_server.domain.passed import Content, Knowledge, Passed, content_after
from metadata_server.engines.cinder.parts import CinderParts


class Ending:
    """Everything here may be done twice: a kill or a silent Cinder in between leaves what `Tidier` completes."""

    def __init__(self, parts: CinderParts) -> None:
        self._parts = parts

    async def release(self, one: Passed) -> None:
        """Let nobody in any more; the volume is free afterwards. Raises `Unavailable`: then it is tried again."""
        one = self._parts.change("passed: release", one.attachment_id, lambda row: replace(row, released=True))
        self._parts.observe("passed: delete in Cinder")
        await self._parts.calls.call(self._parts.client.release, one.attachment_id)
        await self.forget(one)

    async def forget(self, one: Passed) -> None:
        """Cinder does not have it any more, whoever ended it."""
        known = self._known(one.volume_id)
        after = content_after(known.content, one)
        # Our own moves changed the volume's date; from here on every change is somebody else's.
        as_of = await self._changed_at(one.volume_id) if after is Content.BLANK else known.as_of
        self._parts.observe("passed: forget")
        with self._parts.store.begin() as transaction:
            if transaction.passed.remove(one):
                transaction.passed.learn(Knowledge(one.volume_id, after, as_of))
        self._parts.tell(one)

    async def gone(self, one: Passed) -> bool:
        """Whether Cinder really does not have it: asked once more, by its id."""
        try:
            await self._parts.calls.call(self._parts.client.attachment, one.attachment_id)
        except NotFound:
            return True
        return False

    def _known(self, volume_id: str) -> Knowledge:
        with self._parts.store.begin() as transaction:
            return transaction.passed.knowledge(volume_id) or Knowledge(volume_id, Content.UNKNOWN, "")

    async def _changed_at(self, volume_id: str) -> str:
        try:
            return (await self._parts.calls.call(self._parts.client.volume, volume_id)).updated_at
        except NotFound:
            return ""
