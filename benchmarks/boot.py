"""From the start of the config stage to volumes that are mounted: ours, others, and the floor, in one guest, in turn.

python -m benchmarks.boot [--quick] [--volumes 1,8,32] [--rounds 5] [--plot FILE.svg] [--report FILE.md]

The last line of the output is one JSON object (see docs/benchmarks.md).
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import page, summary, table, unemulated
from benchmarks.laboratory import Laboratory
from benchmarks.measure import FIRST_USE, RERUN, Contender, Sample, Use
from benchmarks.ratios import Samples

YARDSTICKS = (Contender.PYTHON_START, Contender.EXCHANGE)
TIMES, FIRST_BOOTS = 7, 5


@dataclass(frozen=True)
class Plan:
    """What is measured: numbers of volumes, how often each, and who."""

    counts: tuple[int, ...]
    rounds: int
    contenders: tuple[Contender, ...] = FIRST_USE


QUICK = Plan((1, 4), 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, and say it in one line."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    samples = Samples(_until_stopped(_measured(_plan(options))))
    said = table.tables(samples)
    print(said)
    if options.report:
        options.report.write_text(page.placed(options.report.read_text(), "boot", said))
    if options.plot:
        from benchmarks import plot  # only here: it needs matplotlib

        plot.write(samples, options.plot)
    print(summary.line(samples), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boot", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="1 and 4 volumes, each but once")
    parser.add_argument(
        "--volumes", type=_counts, default=(1, 8, 32), metavar="N,N…", help="numbers of volumes (default: 1,8,32)"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often each is measured (default: 5)")
    parser.add_argument("--only", type=_contenders, default=FIRST_USE, metavar="NAME,…", help="some contenders only")
    parser.add_argument("--report", type=Path, metavar="FILE", help="put the tables into this page (docs/benchmarks.md)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot there, as SVG")
    return parser


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(","))


def _contenders(text: str) -> tuple[Contender, ...]:
    return tuple(Contender(each) for each in text.split(","))


def _plan(options: argparse.Namespace) -> Plan:
    if options.quick:
        return Plan(QUICK.counts, QUICK.rounds, options.only)
    return Plan(options.volumes, options.rounds, options.only)


def _until_stopped(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Whoever stops it gets what was measured by then."""
    try:
        yield from samples
    except KeyboardInterrupt:
        _say("stopped: what is measured so far")


def _measured(plan: Plan) -> Iterator[Sample]:
    yield from unemulated.measured()
    with Laboratory() as laboratory:
        _say("warming up: every contender once, uncounted")
        for contender in plan.contenders:
            list(_one(laboratory, contender, 1, 0))
        laboratory.rest()
        for each in YARDSTICKS:
            yield from laboratory.measure(each, Use.NONE, [], turn=0, times=TIMES)
        yield from _idle(laboratory)
        for count in plan.counts:
            for turn in range(plan.rounds):
                for contender in plan.contenders:
                    yield from _one(laboratory, contender, count, turn)


def _idle(laboratory: Laboratory) -> Iterator[Sample]:
    """An instance without volumes: its first boot, and what the next one finds."""
    for turn in range(FIRST_BOOTS):
        laboratory.release([])
        laboratory.rest()
        first, *later = laboratory.measure(Contender.OURS, Use.NONE, [], turn=turn, times=3)
        yield replace(first, use=Use.NONE_FIRST)
        yield from later


def _one(laboratory: Laboratory, contender: Contender, count: int, turn: int) -> Iterator[Sample]:
    """First use of fresh volumes, and the same again over what is then there."""
    subjects = laboratory.fresh(count, contender)
    for use in (Use.FIRST, Use.RERUN) if contender in RERUN else (Use.FIRST,):
        laboratory.rest()
        for sample in laboratory.measure(contender, use, subjects, turn=turn):
            _say(
                f"round {turn + 1}, {count} volumes, {use.value}, {contender.words}: {sample.seconds:.2f} s, "
                f"{sample.processes} processes ({sample.machine_processes} on the machine)"
            )
            yield sample
    laboratory.release(subjects)


_say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731


if __name__ == "__main__":
    sys.exit(main())
