"""`python -m tests.crash`: the power goes at every write of a first use, and the next run must finish it. Needs root.

The last line is ``crash states: N tried, N converged, N lost``; the exit code is 0 where all converged and none was lost.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.crash import private
from tests.crash.campaign import Options, Tried, campaign, try_one
from tests.crash.judge import CONVERGED, LOST
from tests.crash.scenarios import SCENARIOS

SHOWN, EVERY = 12, 250


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    private.end_with_parent()
    options = Options(arguments.seed, arguments.sample, arguments.deeper, arguments.deeper_sample, arguments.keep)
    console = Console(highlight=False)
    if arguments.state:
        scenario, _, name = arguments.state.partition(":")
        private.enter()
        tried = [try_one(SCENARIOS[scenario], name, options)]
    else:
        names = [each for each in SCENARIOS if any(fnmatch.fnmatch(each, pattern) for pattern in arguments.scenario or ["*"])]
        tried = _watched(names, options, arguments.jobs, console)
    console.print(by_scenario(tried))
    for line in failures(tried):
        console.print(line, markup=False, soft_wrap=True)
    if arguments.json:
        arguments.json.write_text(json.dumps([dataclasses.asdict(each) for each in tried], indent=1) + "\n")
    print(summary(tried))
    return 0 if good(tried) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    add = parser.add_argument
    add("--scenario", action="append", metavar="PATTERN", help=f"only these; there are {', '.join(SCENARIOS)}")
    add("--seed", type=int, default=0, help="another one gives other random states")
    add("--sample", type=int, default=0, metavar="N", help="N states a scenario instead of all")
    add("--deeper", type=int, default=4, metavar="N", help="record the finishing run of N states a scenario as well")
    add("--deeper-sample", type=int, default=40, metavar="N", help="and try N states of each")
    add("--jobs", type=int, default=2, metavar="N", help="worker processes")
    add("--keep", type=Path, metavar="DIR", help="keep recordings and the images of bad states; use a recording that is there")
    add("--state", metavar="SCENARIO:ID", help="one state again (exactly the same with --keep of the run that found it)")
    add("--json", type=Path, metavar="FILE", help="every state and how it ended")
    return parser


def _watched(names: list[str], options: Options, jobs: int, console: Console) -> list[Tried]:
    """Run them; on a terminal with a line that moves, elsewhere with a line now and then."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    seen: Counter[str] = Counter()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        line = progress.add_task("recording", total=None)

        def tell(tried: Tried) -> None:
            seen[tried.kind] += 1
            text = f"{seen.total()} tried, {', '.join(f'{count} {kind}' for kind, count in seen.items())} ({tried.id})"
            progress.update(line, description=text)
            if not console.is_terminal and seen.total() % EVERY == 0:
                print(text, flush=True)

        return campaign([SCENARIOS[name] for name in names], options, jobs, tell)


def by_scenario(tried: Sequence[Tried]) -> Table:
    """Layout by layout and file system by file system."""
    table = Table("layout", "file system", "tried", "converged", "not", "lost")
    for name, scenario in SCENARIOS.items():
        here = [each for each in tried if each.scenario == name]
        if here:
            numbers = (len(here), _count(here, CONVERGED), len(here) - _count(here, CONVERGED, LOST), _count(here, LOST))
            table.add_row(scenario.layout, scenario.filesystem, *map(str, numbers))
    return table


def failures(tried: Sequence[Tried]) -> list[str]:
    """What went wrong, the same reason once, with the first states that show it."""
    reasons: dict[tuple[str, str, str], list[Tried]] = {}
    for each in tried:
        if each.kind != CONVERGED:
            reasons.setdefault((each.scenario, each.kind, each.sort), []).append(each)
    lines = []
    for (scenario, kind, _), group in reasons.items():
        first = group[0]
        lines.append(
            f"{scenario}: {len(group)} {kind}, after entry {first.position} ({first.entry}), blank {first.blank}: {first.said}"
        )
        lines.append("    " + " ".join(each.state for each in group[:SHOWN]) + (f"  kept: {first.image}" if first.image else ""))
    return lines


def good(tried: Sequence[Tried]) -> bool:
    """Whether everything converged and nothing was lost."""
    return bool(tried) and _count(tried, CONVERGED) == len(tried)


def summary(tried: Sequence[Tried]) -> str:
    """The last line."""
    return f"crash states: {len(tried)} tried, {_count(tried, CONVERGED)} converged, {_count(tried, LOST)} lost"


def _count(tried: Sequence[Tried], *kinds: str) -> int:
    return sum(each.kind in kinds for each in tried)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
