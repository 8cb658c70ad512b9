"""From the wall clock to the monotonic one, whatever happened to the wall clock meanwhile.

cloud-init stamps its log with the wall clock, which NTP may set in the middle of a boot. systemd knows both for each unit:
where the difference of the two is not the same at both ends of a stage, the clock was set in between, and the stage's own
stamps show where.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cc_blockstore.analysis.recorded import Moment

# What is less is drift, or a clock that NTP slews.
JUMP_SECONDS = 0.25


@dataclass(frozen=True)
class Jump:
    """The clock was set by ``seconds`` (forward above zero) somewhere between two moments of the monotonic clock."""

    after: float
    before: float
    seconds: float


def jumps(moments: Iterable[Moment]) -> tuple[Jump, ...]:
    """Every setting of the clock that shows between these moments."""
    ordered = sorted(moments, key=lambda each: each.monotonic)
    return tuple(
        Jump(first.monotonic, second.monotonic, second.offset - first.offset)
        for first, second in pairwise(ordered)
        if abs(second.offset - first.offset) > JUMP_SECONDS
    )


def placed(stamps: Sequence[float], begin: Moment, end: Moment) -> tuple[float, ...]:
    """Stamps of the wall clock, in the order of their writing, on the monotonic clock. All lie between ``begin`` and ``end``."""
    change = end.offset - begin.offset
    if abs(change) <= JUMP_SECONDS:
        whole = max(end.realtime - begin.realtime, 0.001)
        return tuple(each - begin.offset - change * min(1.0, max(0.0, (each - begin.realtime) / whole)) for each in stamps)
    cut = _cut(stamps, begin, end, change)
    return tuple(each - (begin.offset if index < cut else end.offset) for index, each in enumerate(stamps))


def _cut(stamps: Sequence[float], begin: Moment, end: Moment, change: float) -> int:
    """How many stamps are from before the clock was set: at the greatest gap in the direction of the change."""
    every = [begin.realtime, *stamps, end.realtime]
    gaps = [(second - first) * (1 if change > 0 else -1) for first, second in pairwise(every)]
    return gaps.index(max(gaps))
