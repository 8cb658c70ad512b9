"""One fsync for all who wait: what was committed without one lasts once the log is on the disk (group commit).

SQLite in WAL mode with ``synchronous=NORMAL`` appends a transaction to its log and leaves it to the kernel: a kill of the server
loses nothing, a power cut may lose the last ones, but never some of one (sqlite.org/wal.html, "Performance Considerations"). With
FULL each commit would wait for the disk by itself, and the event loop with it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from metadata_server.domain.errors import Unavailable

LOG = logging.getLogger(__name__)

_Asked = tuple[asyncio.AbstractEventLoop, int, int]


class Lasting:
    """Of one log. Belongs to one event loop."""

    def __init__(self, log: Path | None) -> None:
        self._log = log
        # A thread and a queue: an executor's future for each flush would cost more than all the rest.
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="fsync", daemon=True)
        if log is not None:
            self._thread.start()
        self._written = self._lasts = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._flushing, self._failed = False, ""
        self._descriptor, self._stale = -1, True

    def wrote(self) -> None:
        """A transaction was committed that does not last yet."""
        if self._log is not None:
            self._written += 1

    async def settled(self) -> None:
        """Come back when everything lasts that was committed by now.

        Raises `Unavailable`, from then on always: after a failed fsync nobody knows what is on the disk, and the next one would
        not tell (fsync(2)).
        """
        wanted = self._written
        while self._lasts < wanted:
            if self._failed:
                raise Unavailable(f"the server's database: {self._failed}", hint="restart the server when its disk is well")
            await self._end_of_one(asyncio.get_running_loop())

    def _end_of_one(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Of the flush under way, or of one that begins now. Everybody's own: one who goes away ends nobody else's."""
        if not self._flushing:
            self._flushing = True
            # Not at once: what is answered in this turn of the loop as well shares it.
            loop.call_soon(self._begin, loop)
        waiting = loop.create_future()
        self._waiting.append(waiting)
        return waiting

    def forget(self) -> None:
        """The last connection that wrote was closed: SQLite may make its log anew."""
        self._stale = True

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._asked.put((loop, self._written, self._log_file()))
        except OSError as error:
            self._flushed(self._written, self._reason(error))

    def _log_file(self) -> int:
        """Opened here, where nobody flushes it now, and kept: each call costs the thread a wait for Python's lock. No lock of
        SQLite's is on this file, which a close would end (those are on the other two)."""
        if self._stale and self._log is not None:
            self._let_go()
            self._descriptor, self._stale = os.open(self._log, os.O_RDONLY | os.O_CLOEXEC), False
        return self._descriptor

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _reason(self, error: OSError) -> str:
        return f"{self._log} cannot be written to the disk: {error.strerror}"

    def _work(self) -> None:
        """The thread."""
        while (asked := self._asked.get()) is not None:
            loop, written, descriptor = asked
            failed = ""
            try:
                _sync(descriptor)
            except OSError as error:
                failed = self._reason(error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._flushed, written, failed)

    def _flushed(self, written: int, failed: str) -> None:
        self._flushing = False
        if failed:
            self._failed = failed
            LOG.error("%s", failed)
        else:
            self._lasts = written
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def close(self) -> None:
        """No more."""
        self._asked.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._let_go()


def _sync(descriptor: int) -> None:
    os.fdatasync(descriptor)
