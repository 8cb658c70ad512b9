"""What an instance sees: our rows and Cinder's own, read at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from blockstore.attachment import Attachment
from metadata_server.domain.errors import NotFound
from metadata_server.domain.passed import Content, Passed, SeenAttachment, SeenVolume, described
from metadata_server.engines.cinder.ending import Ending
from metadata_server.engines.cinder.parts import CinderParts

View = tuple[Attachment, ...]


class Views:
    """Cinder is asked at every reading: what others did there is seen."""

    def __init__(self, parts: CinderParts, ending: Ending) -> None:
        self._parts, self._ending = parts, ending

    async def of_instance(self, instance: str) -> View:
        """Its attachments; Cinder is not asked where there are none. What somebody ended in Cinder is forgotten."""
        rows = self._rows(instance)
        if not rows:
            return ()
        call, client = self._parts.calls.call, self._parts.client
        attachments, volumes = await asyncio.gather(
            call(client.attachments, {row.attachment_id for row in rows}, instance),
            asyncio.gather(*(self._volume(row.volume_id) for row in rows)),
        )
        for row in rows:
            if row.attachment_id not in attachments and await self._ending.gone(row):
                await self._ending.forget(row)
        return self._joined(rows, attachments, {each.id: each for each in volumes if each is not None})

    async def of_all(self) -> dict[str, View]:
        """Of every instance, with as few requests as there can be."""
        rows = self._rows()
        wanted = {row.attachment_id for row in rows}
        call, client = self._parts.calls.call, self._parts.client
        attachments, volumes = await asyncio.gather(call(client.attachments, wanted), call(client.volumes))
        by_id = {volume.id: volume for volume in volumes}
        instances = {row.instance_id for row in rows}
        return {each: self._joined([row for row in rows if row.instance_id == each], attachments, by_id) for each in instances}

    def _rows(self, instance: str = "") -> list[Passed]:
        with self._parts.store.begin() as transaction:
            found = transaction.passed.of_instance(instance) if instance else transaction.passed.all()
        return [row for row in found if row.attachment_id]

    async def _volume(self, identifier: str) -> SeenVolume | None:
        try:
            return await self._parts.calls.call(self._parts.client.volume, identifier)
        except NotFound:
            return None

    def _joined(self, rows: list[Passed], attachments: Mapping[str, SeenAttachment], volumes: Mapping[str, SeenVolume]) -> View:
        contents = self._contents()
        return tuple(
            described(row, attachments[row.attachment_id], volumes[row.volume_id], contents.get(row.volume_id, Content.UNKNOWN))
            for row in rows
            if row.attachment_id in attachments and row.volume_id in volumes
        )

    def _contents(self) -> dict[str, Content]:
        with self._parts.store.begin() as transaction:
            return transaction.passed.contents()
