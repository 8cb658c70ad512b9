"""The last line: one JSON object. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from benchmarks.service.measure import Contender, Storm, Task
from benchmarks.service.samples import Samples
from benchmarks.spread import Spread

# Rates of ours by rates of others: more is better.
RATIOS: Mapping[str, tuple[tuple[Contender, Task], tuple[Contender, Task]]] = {
    "cycle_vs_cinder": ((Contender.OURS, Task.CYCLE), (Contender.CINDER, Task.CYCLE)),
    "show_vs_cinder": ((Contender.OURS, Task.SHOW), (Contender.CINDER, Task.SHOW)),
    "first_fetch_vs_nova": ((Contender.OURS, Task.FIRST_FETCH), (Contender.NOVA_UNCACHED, Task.FIRST_FETCH)),
    "repeat_fetch_vs_nova": ((Contender.OURS, Task.REPEAT_FETCH), (Contender.NOVA_CACHED, Task.REPEAT_FETCH)),
    "share_of_bare_framework": ((Contender.OURS, Task.FIRST_FETCH), (Contender.BARE, Task.CONSTANT)),
}
# What a request costs with many attachments in the database, by what it costs with few: less is better, 1 is the same.
SIZE_TASKS = (Task.FIRST_FETCH, Task.OWN_LIST, Task.SHOW, Task.CYCLE)


def line(samples: Samples, storms: Iterable[Storm]) -> str:
    """What was not measured is null. ``storm_p99_s`` is of the storm that was spread over some time."""
    found: dict[str, float | None] = {name: _median(samples.ratio(*pair)) for name, pair in RATIOS.items()}
    costs = [each.median for task in SIZE_TASKS if (each := cost(samples, task))]
    found["cost_100k_vs_100"] = _rounded(max(costs, default=None))
    spread = [each.p99 for each in storms if each.seconds]
    found["storm_p99_s"] = _rounded(spread[0] if spread else None)
    return json.dumps(found)


def cost(samples: Samples, task: Task) -> Spread | None:
    """Of the large database by the small one; the worst task is what the last line says."""
    return samples.ratio((Contender.SMALL, task), (Contender.LARGE, task))


def _median(spread: Spread | None) -> float | None:
    return _rounded(spread.median if spread else None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
