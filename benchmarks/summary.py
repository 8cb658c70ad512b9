"""The last line: one JSON object. Pure."""

from __future__ import annotations

import json

from benchmarks.measure import Contender, Use
from benchmarks.ratios import Samples
from benchmarks.spread import Spread

ROUNDED = 3


def line(samples: Samples) -> str:
    """For each number of volumes the ratios (ours divided by theirs, so that less is better), ``idle_ms`` (of an
    instance's first boot ``first_idle_ms``, without emulation ``idle_unemulated_ms``). What was not measured is null."""
    found: dict[str, object] = {str(count): _of(samples, count) for count in samples.counts}
    found["idle_ms"] = _rounded(samples.idle_ms)
    found["first_idle_ms"] = _rounded(samples.first_idle_ms)
    found["idle_unemulated_ms"] = _rounded(samples.idle_unemulated_ms)
    return json.dumps(found)


def _of(samples: Samples, count: int) -> dict[str, float | None]:
    rerun = samples.seconds(Contender.OURS, Use.RERUN, count)
    yardstick = samples.yardstick
    processes = samples.spread(Contender.OURS, Use.RERUN, count, lambda each: each.processes)
    return {
        "first_vs_floor": _median(samples.ratio(Contender.OURS, Contender.FLOOR, Use.FIRST, count)),
        "first_vs_os_brick": _median(samples.ratio(Contender.OURS, Contender.OS_BRICK, Use.FIRST, count)),
        "first_vs_runcmd": _median(samples.ratio(Contender.OURS, Contender.RUNCMD, Use.FIRST, count)),
        "rerun_processes": processes.most if processes else None,
        "rerun_vs_python_start": _rounded(rerun / yardstick if rerun is not None and yardstick else None),
    }


def _median(spread: Spread | None) -> float | None:
    return _rounded(spread.median if spread else None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, ROUNDED)
