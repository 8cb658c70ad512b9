"""Who leads: of all servers of one folder exactly one keeps the target daemon and finishes what was begun."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LOG = logging.getLogger(__name__)


class Leadership:
    """A lock on ``leader`` in the folder, held until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "leader", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def seize(self) -> bool:
        """Lead, if nobody does."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def wait(self, lead: Callable[[], None]) -> None:
        """Call ``lead`` on this event loop as soon as the one who leads is gone. No polling: a thread sleeps in the kernel, which
        wakes one of those who wait."""
        loop = asyncio.get_running_loop()

        def sleep() -> None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            with suppress(RuntimeError):  # the event loop is gone: we stop, and let go with our end
                loop.call_soon_threadsafe(lead)

        threading.Thread(target=sleep, daemon=True, name="leadership").start()
