"""Round numbers for an axis of time."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """From ``begin`` to ``end`` seconds, drawn on ``width`` units (characters or pixels)."""

    begin: float
    end: float
    width: float

    def at(self, moment: float) -> float:
        """Where a moment is, never outside."""
        whole = self.end - self.begin
        share = (moment - self.begin) / whole if whole > 0 else 0.0
        return min(1.0, max(0.0, share)) * self.width

    def ticks(self, most: int) -> list[float]:
        """At most so many moments, 1, 2 or 5 times a power of ten apart."""
        whole = self.end - self.begin
        if whole <= 0:
            return [self.begin]
        raw = whole / max(1, most)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= raw * 0.999)
        first = math.ceil(self.begin / step - 1e-9)
        return [index * step for index in range(first, math.floor(self.end / step + 1e-9) + 1)]


def label(moment: float, ticks: list[float]) -> str:
    """A tick's text: as many decimals as its neighbours need."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return f"{moment:.{max(0, -math.floor(math.log10(step) + 1e-9))}f} s"
