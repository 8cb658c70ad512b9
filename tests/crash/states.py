"""Every disk that a power cut may leave: the pure part of this tier.

A disk with a volatile cache has on its medium, after a power cut, everything from before the last flush that it answered, and of
the writes since then any: all, none, some of them, in any order (so a later one without an earlier), and each in any part,
sector by sector. All of them are too many, so for each moment there are: all (`prefix`), only the last (`last`), the last one
torn (`head`, `tail`: half of it; `first`, `end`: one sector of it; `sieve`: random sectors; with all before it, or alone), one
missing (`without`), and random ones (`some`).
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.crash.image import Image
from tests.crash.log import SECTOR, Entry, Flush, Mark, Write

FEW, SAMPLES, RANDOM, PIECES = 24, 12, 6, 256


@dataclass(frozen=True)
class Unit:
    """What a disk writes as a whole: its logical sector. ``whole`` are longer ranges (start, end) that are not cut either."""

    sector: int = SECTOR
    whole: tuple[tuple[int, int], ...] = ()

    def borders(self, write: Write, step: int = 1) -> list[int]:
        """Where in a write it may be cut, every so many sectors, and after the first and before the last one."""
        end = (write.size - 1) // self.sector * self.sector
        places = {*range(self.sector, write.size, self.sector * step), *((end,) if end else ())}
        return sorted(at for at in places if not any(begin < write.at + at < stop for begin, stop in self.whole))


SECTORS = Unit()


@dataclass(frozen=True)
class Moment:
    """A point of the log: ``flushed`` entries are on the medium for sure, ``pending`` writes may be."""

    position: int
    flushed: int
    pending: tuple[Write, ...]
    last_of_them: bool  # the next entry that is no mark is a flush, or there is none
    wrote: bool  # the entry before this moment is a write


@dataclass(frozen=True)
class Cut:
    """One state: at this moment, and of the pending writes these."""

    moment: Moment
    how: str
    kept: tuple[Write, ...]

    @property
    def id(self) -> str:
        return f"{self.moment.position}.{self.how}"


def moments(entries: Sequence[Entry]) -> Iterator[Moment]:
    """The one before all entries, and the one after each."""
    flushed, pending = 0, ()
    yield Moment(0, 0, (), _flush_is_next(entries, 0), False)
    for position, entry in enumerate(entries, start=1):
        if isinstance(entry, Flush):
            flushed, pending = position, ()
        elif isinstance(entry, Write):
            pending = (*pending, entry)
        yield Moment(position, flushed, pending, _flush_is_next(entries, position), isinstance(entry, Write))


def _flush_is_next(entries: Sequence[Entry], position: int) -> bool:
    for entry in entries[position:]:
        if not isinstance(entry, Mark):
            return isinstance(entry, Flush)
    return True


def cuts(moment: Moment, seed: int = 0, unit: Unit = SECTORS) -> Iterator[Cut]:
    """The states of one moment. Which random ones depends on the seed and on the position alone."""
    dice = random.Random(f"{seed} {moment.position}")
    pending = moment.pending
    yield Cut(moment, "prefix", pending)
    if not moment.wrote:
        if moment.last_of_them:
            yield from _others(moment, dice, unit)
        return
    *before, last = pending
    if before:
        yield Cut(moment, "last", (last,))
    for how, parts in torn(last, unit, dice):
        yield Cut(moment, how, (*before, *parts))
        if before:
            yield Cut(moment, f"{how}-alone", parts)
    if moment.last_of_them:
        yield from _others(moment, dice, unit)


def _others(moment: Moment, dice: random.Random, unit: Unit) -> Iterator[Cut]:
    """What needs the whole group of writes between two flushes, so once a group."""
    pending = moment.pending
    if not pending:
        return
    yield Cut(moment, "none", ())
    which = range(len(pending)) if len(pending) <= FEW else sorted(dice.sample(range(len(pending)), SAMPLES))
    for number in which:
        yield Cut(moment, f"without{number}", (*pending[:number], *pending[number + 1 :]))
    for number in range(RANDOM):
        yield Cut(moment, f"some{number}", some(pending, dice, unit))


def torn(write: Write, unit: Unit, dice: random.Random) -> list[tuple[str, tuple[Write, ...]]]:
    """Parts of a write, cut where a disk may cut it; none of one that it cannot cut."""
    sectors = write.size // unit.sector
    borders = unit.borders(write, max(1, sectors // PIECES))
    if not borders:
        return []
    middle = min(borders, key=lambda at: abs(at - write.size // 2))
    parts = [("head", (write.part(0, middle),)), ("tail", (write.part(middle, write.size),))]
    if len(borders) > 1:
        parts += [("first", (write.part(0, borders[0]),)), ("end", (write.part(borders[-1], write.size),))]
        parts += [("sieve", sieved(write, unit, dice))]
    return parts


def sieved(write: Write, unit: Unit, dice: random.Random) -> tuple[Write, ...]:
    """Random sectors of a write; of a very long one, runs of sectors."""
    borders = [0, *unit.borders(write, max(1, write.size // unit.sector // PIECES)), write.size]
    return tuple(write.part(begin, end) for begin, end in itertools.pairwise(borders) if dice.random() < 0.5)


def some(pending: Sequence[Write], dice: random.Random, unit: Unit) -> tuple[Write, ...]:
    """A random part: each write is there, absent, or there in some of its sectors."""
    kept: list[Write] = []
    for write in pending:
        fate = dice.choice(("there", "absent", "torn"))
        if fate == "there":
            kept.append(write)
        elif fate == "torn":
            kept += sieved(write, unit, dice)
    return tuple(kept)


@dataclass(frozen=True)
class State:
    """A cut with its content and the version of the instance's files that goes with it."""

    id: str
    position: int
    image: Image
    tree: int

    @property
    def key(self) -> tuple[str, int]:
        return self.image.digest, self.tree


def states(base: Image, entries: Sequence[Entry], seed: int = 0, unit: Unit = SECTORS) -> Iterator[State]:
    """Each different state once, in the order of the log; of equal ones the latest moment counts, since it asks for most.

    The unit's whole ranges count from the first mount on: before it nobody relies on them.
    """
    found: dict[tuple[str, int], State] = {}
    durable, at, trees, units = base, 0, (0, 0), Unit(unit.sector)
    for moment in moments(entries):
        if moment.position:
            trees = _trees(entries[moment.position - 1], trees)
            units = unit if _mounts(entries[moment.position - 1]) else units
        if moment.flushed > at:
            durable = durable.with_(_writes(entries[at : moment.flushed]))
            at = moment.flushed
        for cut in cuts(moment, seed, units):
            image = durable.with_(cut.kept)
            for tree, name in {trees[1]: f"{cut.id}.old", trees[0]: cut.id}.items():
                state = State(name, moment.position, image, tree)
                found.pop(state.key, None)
                found[state.key] = state
    yield from sorted(found.values(), key=lambda state: state.position)


def _mounts(entry: Entry) -> bool:
    return isinstance(entry, Mark) and entry.kind == "start" and entry.text.split()[0] == "mount"


def _writes(entries: Iterable[Entry]) -> list[Write]:
    return [entry for entry in entries if isinstance(entry, Write)]


def _trees(entry: Entry, before: tuple[int, int]) -> tuple[int, int]:
    """The versions of the instance's files: as they are, and as they would be after a power cut at worst."""
    if isinstance(entry, Mark) and entry.kind == "tree":
        now, worst = entry.text.split()
        return int(now), int(worst)
    return before
