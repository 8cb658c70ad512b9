"""Cinder is asked in threads, so that the event loop goes on: `requests` blocks, and a call takes Cinder 20 ms to some seconds.

The hop to a thread and back costs 0.1 to 0.4 ms (facts measured with the server's own database were the reason not to use
threads there); beside Cinder's own time that is nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from metadata_server.domain.errors import Unavailable

T = TypeVar("T")
# So many calls are under way at once; cinder-api itself answers about a hundred a second whatever it is asked.
WORKERS = 16
# A call's own limit counts every wait for a byte; together they may take a little longer.
GRACE = 1.0


class Calls:
    """``seconds`` is what a call may take with the time that it waits for a thread. ``answered``: the last one was."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="cinder")
        self.answered = True

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Run it. Raises `Unavailable` after the deadline: what was sent may have been done then, or may be yet."""
        running = asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*arguments))
        try:
            found = await asyncio.wait_for(running, self._seconds + GRACE)
        except TimeoutError:
            self.answered = False
            raise Unavailable(f"Cinder did not answer within {self._seconds:.0f} s.") from None
        except Unavailable:
            self.answered = False
            raise
        self.answered = True
        return found

    def close(self) -> None:
        """No more calls; those under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)
