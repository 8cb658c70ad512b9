"""Where a moment of a boot stands in its picture, in per cent of the picture's width."""

from __future__ import annotations

import math
from dataclasses import dataclass

# The steps of a run take a second where the boot before them took twenty: drawn to one scale nobody would see them.
LONG_BEFORE, SHARE_BEFORE = 3, 16.0
# A run that begins later than this is somebody's `blockstore apply`, and no boot.
LATEST_BOOT_MS = 15 * 60 * 1000
MOST_TICKS = 4
# Two words of the axis have no room within this, on a telephone.
ROOM = 6.0


@dataclass(frozen=True)
class Tick:
    """A round number of the axis; ``anchor`` keeps its text inside."""

    x: float
    word: str
    anchor: str


@dataclass(frozen=True)
class Scale:
    """``before`` and ``run`` in ms: from power-on (0 where it is not drawn) to the run's begin, and the run itself.

    ``broken``: what is before the run is drawn shorter than it was.
    """

    before: int
    run: int

    @property
    def broken(self) -> bool:
        """Whether the time before is drawn to a scale of its own."""
        return self.before > LONG_BEFORE * self.run

    @property
    def begin(self) -> float:
        """Where the run begins."""
        return SHARE_BEFORE if self.broken else self.before / (self.before + self.run) * 100

    def at(self, milliseconds: int) -> float:
        """Where a moment of the run (ms since its begin) stands; never outside."""
        share = min(1.0, max(0.0, milliseconds / self.run))
        return round(self.begin + share * (100 - self.begin), 3)

    def ticks(self) -> tuple[Tick, ...]:
        """Round moments, in seconds from power-on (or from the run's begin), and the begin itself."""
        step = _round_step((self.run if self.broken else self.before + self.run) / MOST_TICKS)
        first = self.before if self.broken else 0
        numbers = range(math.ceil(first / step), (self.before + self.run) // step + 1)
        moments = [number * step for number in numbers if number]
        zero = "power-on" if self.before else "begin"
        drawn = (_tick(self.at(each - self.before) if self.broken else self._plain(each), _word(each, step)) for each in moments)
        return (Tick(0.0, zero, "start"), *(each for each in drawn if each.x >= SHARE_BEFORE + ROOM))

    def _plain(self, milliseconds: int) -> float:
        return round(milliseconds / (self.before + self.run) * 100, 3)


def scale(uptime_ms: int, run_ms: int) -> Scale:
    """The scale of one run; ``uptime_ms`` is 0 where it is not known."""
    return Scale(uptime_ms if uptime_ms <= LATEST_BOOT_MS else 0, max(1, run_ms))


def _round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, … ms that is not smaller."""
    power = int(10 ** max(0, math.floor(math.log10(max(1.0, least)))))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least - 1e-6)


def _word(milliseconds: int, step: int) -> str:
    """As many decimals as tell it from its neighbours."""
    decimals = max(0, 3 - round(math.log10(step) - 0.4)) if step < 1000 else 0
    return f"{milliseconds / 1000:.{min(3, decimals)}f} s"


def _tick(x: float, word: str) -> Tick:
    return Tick(x, word, "end" if x > 94 else "middle")
