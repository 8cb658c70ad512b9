"""Keeps things as they should be: the target daemon's death wakes us (a pidfd, no polling), it is started again and everything
exported again; and what could not be done is tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from blockstore.errors import BlockstoreError
from metadata_server.targets import Target

LOG = logging.getLogger(__name__)

# A daemon that dies at once again is given a pause that doubles; one that lived for a minute starts anew without.
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY = 0.25, 30.0, 60.0


class Keeper:
    """``restore`` starts the daemon and exports everything."""

    def __init__(self, target: Target, restore: Callable[[], None]) -> None:
        self._target, self._restore = target, restore
        self._loop = asyncio.get_running_loop()
        self._descriptor = -1
        self._pause, self._started = 0.0, self._loop.time()
        self._later: asyncio.TimerHandle | None = None
        self.deaths = 0

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return self._descriptor >= 0

    def watch(self) -> None:
        """Wait for the daemon's death."""
        descriptor = self._target.watch()
        self._loop.add_reader(descriptor, self._died)
        self._descriptor = descriptor

    def end(self) -> None:
        """Let it die."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
        self._descriptor = -1
        if self._later is not None:
            self._later.cancel()

    def _died(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._descriptor = -1
        self.deaths += 1
        if self._loop.time() - self._started > HEALTHY:
            self._pause = 0.0
        LOG.error("the target daemon died; starting it again in %.2f s", self._pause)
        self._schedule()

    def _schedule(self) -> None:
        self._later = self._loop.call_later(self._pause, self.restart)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)

    def restart(self) -> None:
        """Start it and export everything, again later where that fails; then watch."""
        self._later, self._started = None, self._loop.time()
        try:
            self._restore()
            self.watch()
        except Exception as error:  # whatever it is (no descriptor is left, a mistake of ours): nobody else would try again
            said = error if isinstance(error, (BlockstoreError, OSError)) else type(error).__name__
            LOG.error("the target daemon does not start: %s; trying again in %.2f s", said, self._pause)
            self._schedule()


# What cannot be done (a full disk, a missing file) is asked for less and less often; new trouble is looked for at this rate.
FIRST_LOOK, LONGEST_LOOK = 2.0, 30.0


class Mender:
    """Calls ``mend`` now and then; it says whether anything is left."""

    def __init__(self, mend: Callable[[], bool]) -> None:
        self._mend = mend
        self._loop = asyncio.get_running_loop()
        self._pause = FIRST_LOOK
        self._later: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From here on."""
        self._later = self._loop.call_later(self._pause, self._look)

    def end(self) -> None:
        """No more."""
        if self._later is not None:
            self._later.cancel()

    def _look(self) -> None:
        left = True
        try:
            left = self._mend()
        except BlockstoreError as error:
            LOG.error("%s", error)
        finally:
            self._pause = min(self._pause * 2, LONGEST_LOOK) if left else FIRST_LOOK
            self.begin()
