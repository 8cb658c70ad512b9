"""Work that may take longer than an answer should: in a thread, off the event loop. The one place for that.

A job begins with a row that says what is wanted (`creating`, `deleting`), does its work without the database, and ends on the
event loop again with the row that says that it is so. Whoever asked listens for a moment: what fails in that time is told to
them and undone; what fails later is in the row (`error`). What a kill leaves is taken up by `metadata_server.workflow.recovery`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from blockstore.errors import BlockstoreError
from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.peers.claims import Claims

LOG = logging.getLogger(__name__)

# So long an answer waits for the work: most of it is done by then.
PATIENCE = 2.0
# How many at once: each copies with the speed of a disk.
SLOTS = 4


@dataclass(frozen=True)
class Job:
    """``work`` knows backends only; the others run on the event loop. ``done`` belongs to the work: it may fail, too.

    Then it is ``undo`` where somebody still listens and is told, else ``fail``.
    """

    subject: str
    work: Callable[[], None]
    done: Callable[[], None]
    undo: Callable[[], None]
    fail: Callable[[], None]


class Jobs:
    """One job at a time for every subject, in all servers of the folder together: a claim ends with the job, or the process."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._tasks: dict[str, asyncio.Task[BlockstoreError | None]] = {}
        self._listeners: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(SLOTS)

    def busy(self, subject: str) -> bool:
        """Whether there is a job for it."""
        return subject in self._tasks

    def check_idle(self, subject: str) -> None:
        """Raises `Conflict` where there is a job for it."""
        if self.busy(subject) or not self._claims.free(subject):
            raise Conflict(f"{subject.capitalize()} is being worked on; wait until that is done.")

    def start(self, job: Job) -> None:
        """Begin; the one who asks is to call `hear` before anything else is awaited."""
        # Where another server has seen the row and taken the job up already, it is theirs.
        if self._claims.take(job.subject):
            self._begin(job, resumed=False)

    def resume(self, subject: str, job: Callable[[], Job | None]) -> None:
        """Go on with what a kill or a fault interrupted; if that fails, the row stays as it is and it is tried again.

        ``job`` is asked for when nobody else can work on the subject any more: it may be done by then.
        """
        if self.busy(subject) or not self._claims.take(subject):
            return
        found: Job | None = None
        try:
            found = job()
        finally:
            if found is None:
                self._claims.give(subject)
        if found is not None:
            self._begin(found, resumed=True)

    async def hear(self, subject: str, seconds: float = PATIENCE) -> None:
        """Wait for the end of the job, but not longer than that. Raises what it failed with in this time."""
        task = self._tasks.get(subject)
        if task is None:
            return
        self._listeners[subject] += 1
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            self._listeners[subject] -= 1
        if task.done() and (error := task.result()) is not None:
            raise error

    async def settle(self, seconds: float = PATIENCE) -> None:
        """Wait for the end of all that there is now, but not longer than that."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)

    def _begin(self, job: Job, *, resumed: bool) -> None:
        task = asyncio.get_running_loop().create_task(self._run(job, resumed=resumed))
        self._tasks[job.subject] = task
        task.add_done_callback(lambda _: self._ended(job.subject))

    def _ended(self, subject: str) -> None:
        self._tasks.pop(subject, None)
        self._claims.give(subject)

    async def _run(self, job: Job, *, resumed: bool) -> BlockstoreError | None:
        try:
            async with self._slots:
                await _in_thread(job.work)
            job.done()
        except BlockstoreError as error:
            LOG.error("%s: %s", job.subject, error)
            if not resumed:
                self._give_up(job)
            return error
        return None

    def _give_up(self, job: Job) -> None:
        try:
            (job.undo if self._listeners[job.subject] else job.fail)()
        except BlockstoreError as error:  # a full disk under the database: the row stays, and is taken up again
            LOG.error("%s: %s", job.subject, error)


async def _in_thread(work: Callable[[], None]) -> None:
    """Run it, and raise what it raises. The thread ends with the process: whatever it is doing then, a kill would do the same."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def run() -> None:
        error: BlockstoreError | None = None
        try:
            work()
        except BlockstoreError as failed:
            error = failed
        except Exception as mistake:
            LOG.error("a job ended with %s", type(mistake).__name__)
            error = Unavailable("The server has made a mistake; its log says more.")
        with suppress(RuntimeError):  # the event loop is gone: the server stops
            loop.call_soon_threadsafe(_end, ended, error)

    threading.Thread(target=run, daemon=True, name="job").start()
    await ended


def _end(ended: asyncio.Future[None], error: BlockstoreError | None) -> None:
    if ended.done():
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
