"""The one place that waits: a deadline handed down, and a condition that is looked at until it holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from blockstore.errors import DeadlineExceeded
from blockstore.values import dataclass

T = TypeVar("T")
# The pause between two looks, in seconds.
SHORTEST, LONGEST, WOKEN = 0.002, 0.05, 0.5


class Clock(Protocol):
    """Time as the code sees it, so that a test can hold it in its hand."""

    def monotonic(self) -> float:
        """Seconds that never run backwards (CLOCK_MONOTONIC): a stepped wall clock moves no deadline."""

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""


class MachineClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        time.sleep(seconds)


CLOCK = MachineClock()


@dataclass(frozen=True)
class Deadline:
    """A point on the monotonic clock; the same one is handed down through all steps of a volume."""

    at: float
    clock: Clock = CLOCK

    @classmethod
    def after(cls, seconds: float, clock: Clock = CLOCK) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(clock.monotonic() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - self.clock.monotonic())

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.remaining() <= 0.0


def wait_for(
    what: str,
    look: Callable[[], T | None],
    deadline: Deadline,
    *,
    describe: Callable[[], str] = str,
    doze: Callable[[float], None] | None = None,
) -> T:
    """Look until something is there, and return it.

    ``look`` gives the thing or None and must be cheap (files of sysfs and the like). The pause between two looks grows
    from 2 to 50 ms: sysfs and devtmpfs offer no event that could be awaited instead (inotify does not work on sysfs). Where
    there is an event after all, ``doze`` lets so many seconds pass, or fewer when it comes: then it is looked at twice a
    second beside that.
    Raises `DeadlineExceeded` naming ``what`` and, from ``describe``, what was last seen.
    """
    begun, late = deadline.clock.monotonic(), deadline.passed()
    pause, sleep = (WOKEN, doze) if doze else (SHORTEST, deadline.clock.sleep)
    while True:
        found = look()
        if found is not None:
            return found
        if deadline.passed():
            raise DeadlineExceeded(what, 0 if late else deadline.clock.monotonic() - begun, describe())
        sleep(min(pause, deadline.remaining()))
        pause = WOKEN if doze else min(pause * 1.5, LONGEST)
