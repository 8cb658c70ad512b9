"""What was measured, as Markdown tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.service import summary
from benchmarks.service.measure import Contender, Sample, Storm, Task
from benchmarks.service.samples import YARDSTICK, Samples
from benchmarks.spread import Spread

PATIENCE = 2


def tables(samples: Samples, storms: Sequence[Storm]) -> str:
    """All of them, one below the other, each under its heading."""
    parts = []
    for task in Task:
        rows = list(_rows(samples, task))
        if rows:
            parts.append(f"### {task.value[0].upper()}{task.value[1:]}\n\n{_markdown(_head(samples), rows)}")
    parts.append(f"### Ratios at {YARDSTICK} connections\n\n{_markdown(('', 'times'), _ratios(samples))}")
    if storms:
        parts.append(f"### Boot storm\n\n{_markdown(_STORM, map(_storm, storms))}")
    return "\n\n".join(parts) + "\n"


def _head(samples: Samples) -> list[str]:
    return ["", *(f"{word}, {count} conn." for count in samples.connections for word in ("a second", "p50 / p99 ms"))]


def _rows(samples: Samples, task: Task) -> Iterable[list[str]]:
    for contender in Contender:
        found = {count: samples.of(contender, task, count) for count in samples.connections}
        if any(found.values()):
            yield [contender.value, *(cell for each in found.values() for cell in _cells(each))]


def _cells(found: Sequence[Sample]) -> tuple[str, str]:
    rate = Spread.of(each.rate for each in found)
    p50, p99 = Spread.of(each.p50 for each in found), Spread.of(each.p99 for each in found)
    if rate is None or p50 is None or p99 is None:
        return "", ""
    errors = sum(each.errors for each in found)
    times = f"{_ms(p50.median)} / {_ms(p99.median)}"
    return f"{rate.median:{_form(rate)}} ({rate.least:{_form(rate)}}–{rate.most:{_form(rate)}})", (
        f"{times}, {errors} errors" if errors else times
    )


def _form(rate: Spread) -> str:
    return ".0f" if rate.median >= 100 else ".1f"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}" if seconds < 0.1 else f"{seconds * 1000:.0f}"


def _ratios(samples: Samples) -> list[tuple[str, str]]:
    rows = [(name, _shown(samples.ratio(*pair))) for name, pair in summary.RATIOS.items()]
    rows += [(f"cost with many attachments: {task.value}", _shown(summary.cost(samples, task))) for task in summary.SIZE_TASKS]
    return rows


def _shown(spread: Spread | None) -> str:
    return str(spread) if spread else ""


_STORM = (
    "", "a request, p50 s", "p99 s", "worst s", f"over {PATIENCE} s", "a boot, p50 s", "worst s", "all done after s", "errors",
    "the instances' share of a core",
)  # fmt: skip


def _storm(storm: Storm) -> tuple[str, ...]:
    when = f"within {storm.seconds:.0f} s" if storm.seconds else "all at once"
    times = (storm.p50, storm.p99, storm.worst)
    boots = (storm.boot_p50, storm.boot_worst)
    return (
        f"{storm.instances} instances, {when}", *(f"{each:.3f}" for each in times), str(storm.over),
        *(f"{each:.2f}" for each in boots), f"{storm.lasted:.1f}", str(storm.errors), f"{storm.client:.2f}",
    )  # fmt: skip


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)
