"""The event loop: uvloop where it is installed (a third more requests a second), else asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

FACTORY: Callable[[], asyncio.AbstractEventLoop] | None

try:
    import uvloop
except ImportError:  # it is quicker, and not needed
    FACTORY = None
else:
    FACTORY = uvloop.new_event_loop


def run(program: Coroutine[object, object, None]) -> None:
    """Until it ends."""
    with asyncio.Runner(loop_factory=FACTORY) as runner:
        runner.run(program)
