"""Changes that another server made: PostgreSQL's NOTIFY wakes those who wait here (LISTEN), whoever of the servers they ask.

SQLite has one server: nobody else makes changes.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence

from blockstore.errors import BlockstoreError
from metadata_server.chance import random_text
from metadata_server.store import Store
from metadata_server.store.notices import Listening
from metadata_server.workflow.changes import Changes

LOG = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0


class Wakeups:
    """Tells the others what changed here, and hears what changed there."""

    def __init__(self, store: Store, changes: Changes) -> None:
        self._store, self._changes = store, changes
        self._me = f"{os.getpid()}-{random_text(8)}"
        self._listening: Listening | None = None
        self._later: asyncio.TimerHandle | None = None
        self._pause = FIRST_PAUSE

    def begin(self) -> None:
        """From here on."""
        if self._store.database.shared:
            self._changes.publish = self._publish
        self._listen()

    def end(self) -> None:
        """No more."""
        if self._later is not None:
            self._later.cancel()
        self._drop()

    def _publish(self, subjects: Sequence[str]) -> None:
        try:
            self._store.notify([f"{self._me} {subject}" for subject in subjects])
        except BlockstoreError as error:  # the change itself is stored: who waits elsewhere sees it when they ask again
            LOG.warning("other servers were not told of a change: %s", error)

    def _listen(self) -> None:
        self._later = None
        try:
            self._listening = self._store.listen()
        except BlockstoreError as error:
            LOG.warning("changes of other servers are not heard: %s; trying again in %.1f s", error, self._pause)
            self._later = asyncio.get_running_loop().call_later(self._pause, self._listen)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            return
        self._pause = FIRST_PAUSE
        if self._listening is None:
            return
        asyncio.get_running_loop().add_reader(self._listening.descriptor, self._hear, self._listening)
        # What was told while nobody listened is heard by nobody: let everybody look again.
        self._changes.wake_all()

    def _hear(self, listening: Listening) -> None:
        try:
            heard = listening.heard()
        except BlockstoreError as error:
            LOG.warning("%s", error)
            self._drop()
            self._listen()
            return
        for notice in heard:
            sender, _, subject = notice.partition(" ")
            if sender != self._me:
                self._changes.wake(subject)

    def _drop(self) -> None:
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening.descriptor)
            self._listening.close()
        self._listening = None
