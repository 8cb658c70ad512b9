"""Changes that others make in Cinder: it has no way to tell us, so it is looked at while somebody waits, and only then."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from blockstore.errors import BlockstoreError
from metadata_server.engines.cinder.views import View, Views
from metadata_server.workflow import changes
from metadata_server.workflow.changes import Changes

LOG = logging.getLogger(__name__)


class Watch:
    """One look every ``poll`` seconds for all who wait together: two requests to Cinder (more where it has over 1000 volumes)."""

    def __init__(self, views: Views, changed: Changes, poll: float) -> None:
        self._views, self._changes, self._poll = views, changed, poll
        self._served: dict[str, View] = {}
        self._waiting: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._trouble = ""

    def served(self, instance: str, view: View) -> None:
        """Remember what the instance was told: what differs from it is news, also where it came before the waiting began."""
        self._served[instance] = view

    async def wait(self, instance: str, seconds: float) -> bool:
        """See `Engine.wait`."""
        self._waiting[instance] += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            return await self._changes.wait(changes.instance(instance), seconds)
        finally:
            self._waiting[instance] -= 1
            self._waiting += Counter()  # drops those that are at zero

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._poll)
            try:
                now = await self._views.of_all()
            except BlockstoreError as error:
                self._tell_trouble(str(error))
                continue
            self._tell_trouble("")
            for instance in [each for each in self._waiting if now.get(each, ()) != self._served.get(each, ())]:
                self._changes.tell(changes.instance(instance))

    def _tell_trouble(self, trouble: str) -> None:
        """Once when it begins, and once when it is over."""
        if trouble != self._trouble:
            LOG.warning("%s", trouble or "Cinder answers again")
        self._trouble = trouble
