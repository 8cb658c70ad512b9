"""The event loop: uvloop where it is installed (a third more requests a second), else asyncio's own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine

SWITCH_SECONDS = 0.0005

FACTORY: Callable[[], asyncio.AbstractEventLoop] | None

try:
    import uvloop
except ImportError:  # it is quicker, and not needed
    FACTORY = None
else:
    FACTORY = uvloop.new_event_loop


def run(program: Coroutine[object, object, None]) -> None:
    """Until it ends."""
    # The thread that brought a log to the disk comes back to a busy loop: Python would keep it waiting longer than the disk did.
    sys.setswitchinterval(SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=FACTORY) as runner:
        runner.run(program)
