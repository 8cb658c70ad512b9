"""What was measured, as Markdown tables. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.measure import FIRST_USE, RERUN, Contender, Sample, Use
from benchmarks.ratios import Samples
from benchmarks.spread import Spread

STEPS = ("login", "device", "partition", "filesystem", "mount")
PHASES = ("import", "prepare", "volumes", "after")


def tables(samples: Samples) -> str:
    """All of them, one below the other, each under its heading."""
    parts = []
    for use, contenders in ((Use.FIRST, FIRST_USE), (Use.RERUN, RERUN)):
        for count in samples.counts:
            rows = [_row(samples, each, use, count) for each in contenders if samples.of(each, use, count)]
            if rows:
                parts.append(f"### {use.value.capitalize()}, {_volumes(count)}\n\n{_markdown(_head(use), rows)}")
    parts.append(f"### Where our time goes, first use\n\n{_markdown(_STEPS_HEAD, _steps(samples))}")
    parts.append(f"### Yardsticks\n\n{_markdown(('', 'ms'), _yardsticks(samples))}")
    return "\n\n".join(parts) + "\n"


def _volumes(count: int) -> str:
    return f"{count} volume{'s' * (count != 1)}"


def _head(use: Use) -> tuple[str, ...]:
    against = "times the floor" if use is Use.FIRST else "times the yardstick"
    return ("", "seconds", against, "ours is so many times as fast", "processes", "on the whole machine")


def _row(samples: Samples, contender: Contender, use: Use, count: int) -> tuple[str, ...]:
    faster = samples.ratio(contender, Contender.OURS, use, count)
    started = [samples.spread(contender, use, count, value) for value in (_own, _machine)]
    return (
        contender.words, str(samples.spread(contender, use, count)), _against(samples, contender, use, count),
        "" if contender in (Contender.OURS, Contender.FLOOR) else _shown(faster),
        *(f"{each.median:.0f}" if each else "" for each in started),
    )  # fmt: skip


def _against(samples: Samples, contender: Contender, use: Use, count: int) -> str:
    if use is Use.FIRST:
        return _shown(samples.ratio(contender, Contender.FLOOR, use, count))
    seconds, yardstick = samples.seconds(contender, use, count), samples.yardstick
    return f"{seconds / yardstick:.2f}" if seconds is not None and yardstick else ""


def _shown(spread: Spread | None) -> str:
    return str(spread) if spread else ""


def _own(sample: Sample) -> float:
    return sample.processes


def _machine(sample: Sample) -> float:
    return sample.machine_processes


_STEPS_HEAD = ("", "volumes", *(f"{phase} (ms)" for phase in PHASES), *(f"{step}, a volume (ms)" for step in STEPS))


def _steps(samples: Samples) -> list[tuple[str, ...]]:
    """Phases of the whole run, one after the other; the steps of a volume, which run side by side, in the median."""
    rows = []
    for count in samples.counts:
        for contender in (Contender.OURS, Contender.STATIC):
            details = [each.detail for each in samples.of(contender, Use.FIRST, count) if each.detail]
            if details:
                phases = [statistics.median(detail[phase] for detail in details) for phase in PHASES]
                taken = [[each["ms"] for detail in details for each in detail["steps"] if each["step"] == step] for step in STEPS]
                numbers = [*phases, *(statistics.median(each or [0]) for each in taken)]
                rows.append((contender.words, str(count), *(f"{number:.0f}" for number in numbers)))
    return rows


def _yardsticks(samples: Samples) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for contender, use, title in (
        (Contender.PYTHON_START, Use.NONE, "an interpreter starts and ends"),
        (Contender.EXCHANGE, Use.NONE, "one HTTP exchange, no attachments"),
        (Contender.OURS, Use.NONE, "the module, no attachments"),
        (Contender.OURS, Use.NONE_FIRST, "the module, no attachments, first boot"),
        (Contender.EXCHANGE, Use.NONE_UNEMULATED, "one HTTP exchange, no attachments, not emulated"),
        (Contender.OURS, Use.NONE_UNEMULATED, "the module, no attachments, not emulated"),
    ):
        spread = samples.spread(contender, use, 0, lambda each: each.seconds * 1000)
        rows.append((title, _shown(spread)))
    return rows


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)
