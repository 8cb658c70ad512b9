"""What our server answers in a second, beside the real Nova metadata service and the real Cinder, in turn on one machine.

python -m benchmarks.server [--quick] [--connections 1,8,64] [--rounds 5] [--seconds 4] [--plot FILE.svg] [--report FILE.md]

The last line of the output is one JSON object (see docs/benchmarks.md).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import page
from benchmarks.service import summary, table
from benchmarks.service.measure import Contender, Sample, Storm, Task
from benchmarks.service.samples import YARDSTICK, Samples

if TYPE_CHECKING:
    from benchmarks.service.laboratory import Laboratory

SIZES = (Contender.SMALL, Contender.LARGE)
COMPARED = ((Task.FIRST_FETCH, Task.REPEAT_FETCH, Task.CONSTANT), (Task.SHOW,), (Task.OWN_LIST,), (Task.CYCLE,))


@dataclass(frozen=True)
class Plan:
    """What is measured: numbers of connections, how often each, for how long; sizes of the databases; the storm."""

    connections: tuple[int, ...]
    rounds: int
    seconds: float
    small: int = 100
    large: int = 100_000
    instances: int = 2000
    storm: int = 5000
    storm_seconds: tuple[float, ...] = (60, 0)


QUICK = Plan((1, 8), 1, 2, large=5000, instances=200, storm=200, storm_seconds=(5, 0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, and say it in one line."""
    options = _parser().parse_args(arguments)
    plan = QUICK if options.quick else Plan(options.connections, options.rounds, options.seconds)
    samples = Samples(_measured(plan, options.only) if not options.storm_only else ())
    storms = _storms(plan)
    said = f"{_machine()}\n\n{table.tables(samples, storms)}"
    print(said)
    if options.report:
        options.report.write_text(page.placed(options.report.read_text(), "server", said))
    if options.plot:
        from benchmarks.service import plot  # only here: it needs matplotlib

        plot.write(samples, options.plot)
    print(summary.line(samples, storms), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1 and 8 connections, each but once, small numbers of everything")
    parser.add_argument(
        "--connections", type=_counts, default=(1, 8, 64), metavar="N,N…", help="numbers of connections (default: 1,8,64)"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="how long each time (default: 4)")
    parser.add_argument("--only", type=_contenders, default=tuple(Contender), metavar="NAME,…", help="some contenders only")
    parser.add_argument("--storm-only", action="store_true", help="nothing but the storm")
    parser.add_argument("--report", type=Path, metavar="FILE", help="put the tables into this page (docs/benchmarks.md)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot there, as SVG")
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _contenders(text: str) -> tuple[Contender, ...]:
    return tuple(Contender[each.strip().upper()] for each in text.split(","))


def _measured(plan: Plan, only: tuple[Contender, ...]) -> Iterator[Sample]:
    from benchmarks.service.laboratory import Laboratory, Size

    size = Size(max(plan.connections), plan.small, plan.large, plan.instances)
    with Laboratory(size, only) as laboratory:
        for turn in range(plan.rounds):
            for contender, task, connections in ordered(tuple(laboratory.asks), plan.connections, turn):
                yield _one(laboratory, contender, task, connections, turn, plan.seconds)


def ordered(
    asks: Sequence[tuple[Contender, Task]], connections: Sequence[int], turn: int
) -> Iterator[tuple[Contender, Task, int]]:
    """Those that are compared with one another follow one another; every other round goes backwards."""
    for count in connections:
        there = sorted(asks, key=lambda each: _kind(each[1]))
        for contender, task in there if turn % 2 == 0 else reversed(there):
            # The sizes of the database are compared with each other only.
            if contender not in SIZES or count == YARDSTICK:
                yield contender, task, count


def _kind(task: Task) -> int:
    return next(place for place, kind in enumerate(COMPARED) if task in kind)


def _one(laboratory: Laboratory, contender: Contender, task: Task, connections: int, turn: int, seconds: float) -> Sample:
    found = laboratory.asks[contender, task](connections, seconds)
    _say(
        f"round {turn + 1}, {connections} connections, {task.value}, {contender.value}: {found.rate:.1f} a second, "
        f"p50 {found.p50 * 1000:.1f} ms, p99 {found.p99 * 1000:.1f} ms, {found.errors} errors"
    )
    return Sample(contender, task, connections, turn, found.rate, found.p50, found.p99, found.errors)


def _storms(plan: Plan) -> list[Storm]:
    from benchmarks.service.laboratory import storm

    found = []
    for seconds in plan.storm_seconds:
        _say(f"{plan.storm} instances boot within {seconds:.0f} s")
        found.append(storm(plan.storm, seconds))
        _say(str(found[-1]))
    return found


def _machine() -> str:
    return f"{os.cpu_count()} cores, load average {', '.join(f'{each:.1f}' for each in os.getloadavg())} at the end."


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
