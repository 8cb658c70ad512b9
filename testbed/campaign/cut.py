"""When the power goes: aims, the times that they are spread over, and what became of the cuts; pure."""

from __future__ import annotations

import enum
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_CUTS_OF_A_CYCLE = 5
# A boot takes its own time: a cut may come somewhat later than the learned end of what it is aimed at.
_BEYOND = 1.25


class Aim(enum.Enum):
    """From which event on the time of a cut is counted."""

    BOOT = "from power-on to the login"
    LOGIN = "from the login to the first write"
    FORMAT = "from the first write until all is mounted"
    USE = "while files are written"


class Phase(enum.Enum):
    """What a cut did fall into, as seen from outside at that moment."""

    BOOT = "before the login"
    LOGIN = "logged in, nothing written yet"
    FIRST_USE = "partition table, mkfs, first mount"
    AGAIN = "coming up again"
    USE = "all mounted, files being written"


class End(enum.Enum):
    """How a cycle ended. LOST: a file that was flushed is gone, or a file system was made anew. STUCK: anything else."""

    CONVERGED = "converged"
    STUCK = "not converged"
    LOST = "lost"


@dataclass(frozen=True)
class Window:
    """Seconds from power-on: the first session, the first write to a volume, all volumes mounted."""

    login: float
    write: float
    mounted: float


@dataclass(frozen=True)
class Windows:
    """A first boot's and a later one's."""

    first: Window
    again: Window

    @classmethod
    def guessed(cls, slowdown: float) -> Windows:
        """For a guest that nobody has watched yet; ``slowdown`` is that of the accelerator."""
        one = slowdown / 8
        return cls(Window(24 * one, 26 * one, 30 * one), Window(15 * one, 16 * one, 19 * one))


@dataclass(frozen=True)
class Cut:
    """A power cut: the event that it is aimed at, and how far into what follows it comes (0 to 1)."""

    aim: Aim
    part: float

    def delay(self, window: Window) -> float:
        """Seconds after the event."""
        whole = {
            Aim.BOOT: window.login,
            Aim.LOGIN: _BEYOND * (window.write - window.login),
            Aim.FORMAT: _BEYOND * (window.mounted - window.write),
            Aim.USE: (window.mounted - window.write) / 2,
        }
        return max(0.0, self.part * whole[self.aim])


@dataclass(frozen=True)
class Fallen:
    """A cut that was made: when, in seconds from power-on, and into what."""

    cut: Cut
    after: float
    phase: Phase


def draw(chance: random.Random, *, first: bool) -> Cut:
    """A cut for a first boot or for a later one."""
    weights = {Aim.BOOT: 10, Aim.LOGIN: 15, Aim.FORMAT: 65, Aim.USE: 10} if first else dict(zip(Aim, (10, 15, 45, 30)))
    [aim] = chance.choices(list(weights), list(weights.values()))
    return Cut(aim, chance.random())


def cycles(cuts: int, chance: random.Random) -> Iterator[tuple[Cut, ...]]:
    """As many cycles as it takes for this number of cuts."""
    while cuts > 0:
        count = min(cuts, chance.randint(1, MOST_CUTS_OF_A_CYCLE))
        yield tuple(draw(chance, first=number == 0) for number in range(count))
        cuts -= count


def phase(*, sessions: bool, written: bool, mounted: bool, used_before: bool) -> Phase:
    """What a boot is in the middle of. ``used_before``: every volume of it was mounted at an earlier boot."""
    if mounted:
        return Phase.USE
    if not sessions:
        return Phase.BOOT
    if used_before:
        return Phase.AGAIN
    return Phase.FIRST_USE if written else Phase.LOGIN


@dataclass
class Tally:
    """The count. A cut has converged when its cycle has."""

    by_phase: Counter[tuple[Phase, End]]

    def __init__(self) -> None:
        self.by_phase = Counter()

    def add(self, cuts: Iterable[Fallen], end: End) -> None:
        """A cycle is over."""
        self.by_phase.update((each.phase, end) for each in cuts)

    def of(self, end: End | None = None, phase: Phase | None = None) -> int:
        """How many cuts ended so, of those that fell into this phase."""
        return sum(n for (into, how), n in self.by_phase.items() if end in (None, how) and phase in (None, into))

    def __str__(self) -> str:
        return f"power cuts: {self.of()} made, {self.of(End.CONVERGED)} converged, {self.of(End.LOST)} lost"
