"""What happens when: the steps of each volume, timed for the report and told to cloud-init as events."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import field

from blockstore.report import StepReport
from blockstore.values import dataclass
from blockstore.waiting import Clock

# Tells of a step that has ended: (name, description).
Events = Callable[[str, str], None]


def no_events(name: str, description: str) -> None:
    """Where nobody listens: the command outside of cloud-init."""


@dataclass
class Mark:
    """Whether the step changed anything; set by whoever does it."""

    changed: bool = False


@dataclass
class Steps:
    """The steps of one volume, in order. ``begun`` is the run's start on the monotonic clock."""

    volume: str
    begun: float
    clock: Clock
    events: Events = no_events
    done: list[StepReport] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str, since: float | None = None) -> Iterator[Mark]:
        """Time one step; recorded even where it fails. ``since``: it began then, and not only now."""
        mark, start = Mark(), self.clock.monotonic() if since is None else since
        try:
            yield mark
        finally:
            taken = self.clock.monotonic() - start
            self.done.append(StepReport(name, mark.changed, _ms(start - self.begun), _ms(taken)))
            self.events(f"{self.volume}-{name}", f"{name} of volume {self.volume} took {taken:.3f} seconds")

    @property
    def changed(self) -> bool:
        """Whether any step changed anything."""
        return any(step.changed for step in self.done)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
