"""From samples to ratios: medians over rounds, each ratio within its own round, so that a machine that slows down in the middle
slows both sides. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from benchmarks.measure import Contender, Sample, Use
from benchmarks.spread import Spread


class Samples:
    """All that was measured."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.all: Sequence[Sample] = tuple(samples)

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of volumes that were measured."""
        return tuple(sorted({each.volumes for each in self.all if each.volumes}))

    def of(self, contender: Contender, use: Use, volumes: int) -> list[Sample]:
        """The samples of one contender, round by round."""
        return [each for each in self.all if (each.contender, each.use, each.volumes) == (contender, use, volumes)]

    def spread(
        self, contender: Contender, use: Use, volumes: int, value: Callable[[Sample], float] = lambda each: each.seconds
    ) -> Spread | None:
        """Seconds, or whatever ``value`` says, of one contender."""
        return Spread.of(value(each) for each in self.of(contender, use, volumes))

    def ratio(self, one: Contender, other: Contender, use: Use, volumes: int) -> Spread | None:
        """How many times as long ``one`` takes as ``other``, round by round."""
        others = {each.round: each.seconds for each in self.of(other, use, volumes)}
        mine = self.of(one, use, volumes)
        return Spread.of(each.seconds / others[each.round] for each in mine if each.round in others)

    def seconds(self, contender: Contender, use: Use, volumes: int) -> float | None:
        """The median time."""
        found = self.spread(contender, use, volumes)
        return found.median if found else None

    @property
    def yardstick(self) -> float | None:
        """An interpreter start plus one HTTP exchange, in seconds."""
        start = self.seconds(Contender.PYTHON_START, Use.NONE, 0)
        exchange = self.seconds(Contender.EXCHANGE, Use.NONE, 0)
        return start + exchange if start is not None and exchange is not None else None

    @property
    def idle_ms(self) -> float | None:
        """What the module adds to a boot where no volume is attached, beyond the exchange itself."""
        return self._beyond_exchange(Use.NONE)

    @property
    def first_idle_ms(self) -> float | None:
        """The same at an instance's first boot, when nothing is known yet of the boot before."""
        return self._beyond_exchange(Use.NONE_FIRST)

    @property
    def idle_unemulated_ms(self) -> float | None:
        """As ``idle_ms``, on this machine's own processor."""
        return self._beyond_exchange(Use.NONE_UNEMULATED, Use.NONE_UNEMULATED)

    def _beyond_exchange(self, use: Use, place: Use = Use.NONE) -> float | None:
        idle = self.seconds(Contender.OURS, use, 0)
        exchange = self.seconds(Contender.EXCHANGE, place, 0)
        return (idle - exchange) * 1000 if idle is not None and exchange is not None else None
