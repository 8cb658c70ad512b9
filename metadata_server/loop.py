"""The event loop: uvloop where it is installed (a third more requests a second), else asyncio's own."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine

SWITCH_SECONDS = 0.0005
# Requests leave next to no cycles behind; Python's 700 had it look through what they made several times a request.
GARBAGE = 50_000

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
    gc.freeze()  # what was imported stays
    gc.set_threshold(GARBAGE)
    with asyncio.Runner(loop_factory=FACTORY) as runner:
        runner.run(program)
