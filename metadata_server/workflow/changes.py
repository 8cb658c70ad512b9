"""Waking those who wait for a change, without anyone looking twice. Everything here belongs to one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence


def instance(identifier: str) -> str:
    """What an instance waits for: its attachments."""
    return f"instance {identifier}"


def attachment(identifier: str) -> str:
    """What an operator waits for: one attachment."""
    return f"attachment {identifier}"


def nobody_else(_subjects: Sequence[str]) -> None:
    """Where there is one server, nobody else is to be told."""


class Changes:
    """One event for every subject that somebody waits for. ``publish`` tells other servers of our changes."""

    def __init__(self) -> None:
        self._events: dict[str, asyncio.Event] = {}
        self._closed = False
        self.publish: Callable[[Sequence[str]], None] = nobody_else

    def tell(self, *subjects: str) -> None:
        """Wake all who wait for these, here and at other servers. What changed must be committed by now."""
        self.wake(*subjects)
        if subjects and not self._closed:
            self.publish(subjects)

    def wake(self, *subjects: str) -> None:
        """Wake all who wait here for these."""
        for subject in subjects:
            if event := self._events.pop(subject, None):
                event.set()

    def wake_all(self) -> None:
        """Wake everybody here: nobody knows what changed."""
        self.wake(*self._events)

    async def wait(self, subject: str, seconds: float) -> bool:
        """Wait for the next change of the subject; False where none came in time."""
        if self._closed:
            return False
        event = self._events.setdefault(subject, asyncio.Event())
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        return not self._closed

    def close(self) -> None:
        """Wake all, and let nobody wait any more: the server stops."""
        self._closed = True
        self.wake_all()
