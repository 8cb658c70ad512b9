"""From samples to ratios: medians over rounds, each ratio within its own round, as in `benchmarks.ratios`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.service.measure import Contender, Sample, Task
from benchmarks.spread import Spread

# The number of connections at which ratios are said.
YARDSTICK = 8


class Samples:
    """All that was measured."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.all: Sequence[Sample] = tuple(samples)

    @property
    def connections(self) -> tuple[int, ...]:
        """The numbers of connections that were measured."""
        return tuple(sorted({each.connections for each in self.all}))

    def of(self, contender: Contender, task: Task, connections: int) -> list[Sample]:
        """Those of one contender with one task, round by round."""
        wanted = (contender, task, connections)
        return [each for each in self.all if (each.contender, each.task, each.connections) == wanted]

    def rate(self, contender: Contender, task: Task, connections: int) -> Spread | None:
        """In a second."""
        return Spread.of(each.rate for each in self.of(contender, task, connections))

    def ratio(self, one: tuple[Contender, Task], other: tuple[Contender, Task], connections: int = YARDSTICK) -> Spread | None:
        """How many times the rate of ``other`` the rate of ``one`` is, round by round."""
        others = {each.round: each.rate for each in self.of(*other, connections)}
        mine = self.of(*one, connections)
        return Spread.of(each.rate / others[each.round] for each in mine if others.get(each.round))
