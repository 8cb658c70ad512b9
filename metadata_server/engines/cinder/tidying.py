"""What a kill or a silent Cinder left half done is done again: reservations without an answer go back, releases go on."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from blockstore.errors import BlockstoreError
from metadata_server.domain.passed import Passed
from metadata_server.engines.cinder.ending import Ending
from metadata_server.engines.cinder.parts import CinderParts

LOG = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
# No attachment has this id: the list is read to its end.
NONE = frozenset({""})


class Tidier:
    """``seconds`` after which a reservation that is not ours to wait for was given up by whoever made it."""

    def __init__(self, parts: CinderParts, seconds: float) -> None:
        self._parts, self._ending = parts, Ending(parts)
        self._age = timedelta(seconds=seconds)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """From now on, beside everything else."""
        self._task = asyncio.create_task(self._run())

    def end(self) -> None:
        """No more."""
        if self._task is not None:
            self._task.cancel()

    async def tidy(self) -> bool:
        """One round; whether something is left."""
        with self._parts.store.begin() as transaction:
            rows = transaction.passed.unfinished()
        left = False
        for one in rows:
            try:
                left |= not await self._finish(one)
            except BlockstoreError as error:
                LOG.warning("attachment of volume %s for instance %s: %s", one.volume_id, one.instance_id, error)
                left = True
        return left

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            try:
                pause = min(pause * 2, LONGEST_PAUSE) if await self.tidy() else FIRST_PAUSE
            except BlockstoreError as error:
                LOG.error("%s", error)

    async def _finish(self, one: Passed) -> bool:
        if one.attachment_id:
            await self._ending.release(one)
            return True
        if one.key in self._parts.flying or datetime.now(UTC) < datetime.fromisoformat(one.created_at) + self._age:
            return False
        await self._take_back(one)
        return True

    async def _take_back(self, one: Passed) -> None:
        """Nobody was told that it is reserved. Cinder may have it, under an id that we never heard."""
        call, client = self._parts.calls.call, self._parts.client
        there = await call(client.attachments, NONE, one.instance_id)
        with self._parts.store.begin() as transaction:
            known = {row.attachment_id for row in transaction.passed.of_instance(one.instance_id)}
        for seen in there.values():
            if seen.volume_id == one.volume_id and seen.id not in known and seen.status == "reserved":
                LOG.warning("attachment %s of volume %s is taken back: nobody was told of it", seen.id, seen.volume_id)
                await call(client.release, seen.id)
        with self._parts.store.begin() as transaction:
            transaction.passed.remove(one)
