"""The waterfall as one self-contained SVG: no script, no font, no link; readable on light and dark ground and by screen readers.

Here is the geometry; the drawing is the template `boot.svg.j2`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from blockstore.render import render
from cc_blockstore.analysis.scale import Axis, label
from cc_blockstore.analysis.spans import Line, Span, Timeline
from cc_blockstore.analysis.verdict import Verdict, seconds

WIDTH, MARGIN, NAMES, TIMES = 1000, 24, 210, 64
ROW, THIN_ROW, BAR, WORDS_ROW, HEAD, KEYS, KEY = 24, 16, 0.7, 22, 58, 44, 105
# From so many volumes on their rows are thin.
MANY = 24
# A label is put into its bar where the bar is that much wider than the text, else beside it.
CHARACTER = 6.6
LONGEST_NAME, LONGEST_WORDS = 30, 128


@dataclass(frozen=True)
class Bar:
    """One rectangle. ``look`` is its class; ``tip`` is shown under the pointer, and read out; ``word`` stands on it."""

    x: float
    width: float
    look: str
    tip: str
    word: str = ""


@dataclass(frozen=True)
class Row:
    """One row: its name, its bars, and at ``after`` how long they lasted, in words."""

    y: float
    name: str
    bars: tuple[Bar, ...]
    after: float
    words: str
    look: str
    inside: bool = False


@dataclass(frozen=True)
class Tick:
    """A line of the grid."""

    x: float
    word: str


@dataclass(frozen=True)
class Key:
    """A colour's meaning."""

    x: float
    look: str
    word: str


@dataclass(frozen=True)
class Panel:
    """One chart: its title, grid, rows and the meaning of its colours. ``height`` is that of a row."""

    title: str
    y: float
    bottom: float
    height: float
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    keys: tuple[Key, ...]


def svg(timeline: Timeline, verdict: Verdict) -> str:
    """The text of the file."""
    words = [line for each in (*verdict.words, *timeline.notes) for line in textwrap.wrap(each, LONGEST_WORDS)]
    y = MARGIN + 30.0 + len(words) * WORDS_ROW
    panels = []
    for title, rows, height in _charts(timeline):
        panels.append(_panel(title, rows, y, height))
        y = panels[-1].bottom + KEYS
    return render(
        "boot.svg.j2", width=WIDTH, height=round(y), margin=MARGIN, thick=BAR, panels=panels, words=words, words_row=WORDS_ROW,
        title=_title(verdict), description=" ".join(words),
    )  # fmt: skip


def _title(verdict: Verdict) -> str:
    return "The boot" if verdict.up is None else f"The boot: volumes up after {seconds(verdict.up)}"


@dataclass(frozen=True)
class Drawn:
    """What a row shows, before it has a place."""

    name: str
    begin: float
    end: float
    parts: tuple[tuple[float, float, str, str], ...]
    inside: bool = False
    failed: bool = False


def _charts(timeline: Timeline) -> list[tuple[str, list[Drawn], float]]:
    boot = [_span(each) for each in (*timeline.rows, *(each.service for each in timeline.services))]
    volumes = [_volume(each) for each in timeline.volumes]
    charts = [("The boot, in seconds after the kernel's start", boot, float(ROW))]
    charts.append(("The volumes, on a scale of their own", volumes, float(THIN_ROW if len(volumes) >= MANY else ROW)))
    return [each for each in charts if each[1]]


def _span(span: Span) -> Drawn:
    return Drawn(span.name, span.begin, span.end, ((span.begin, span.end, span.kind.value, ""),), inside=span.inside)


def _volume(volume: Line) -> Drawn:
    parts = tuple((each.begin, each.end, f"step-{each.name}", each.name) for each in volume.steps)
    return Drawn(volume.name, volume.begin, volume.end, parts, failed=volume.failed)


def _panel(title: str, rows: Sequence[Drawn], y: float, height: float) -> Panel:
    left = MARGIN + NAMES
    axis = Axis(min(each.begin for each in rows), max(each.end for each in rows), WIDTH - MARGIN - TIMES - left)
    ticks = axis.ticks(10)
    top = y + HEAD
    placed = tuple(_row(each, top + index * height, axis, left) for index, each in enumerate(rows))
    grid = tuple(Tick(round(left + axis.at(tick), 1), label(tick, ticks)) for tick in ticks)
    looks = dict.fromkeys(look for row in rows for _, _, look, _ in row.parts)
    keys = tuple(Key(left + index * KEY, look, look.removeprefix("step-")) for index, look in enumerate(looks))
    return Panel(title, y, top + len(rows) * height, height, grid, placed, keys)


def _row(row: Drawn, y: float, axis: Axis, left: float) -> Row:
    bars = tuple(_bar(part, row, axis, left) for part in row.parts)
    shown = row.name if len(row.name) <= LONGEST_NAME else f"{row.name[: LONGEST_NAME - 1]}…"
    look = "bad" if row.failed else "inside" if row.inside else "plain"
    after = max((each.x + each.width for each in bars), default=left) + 6
    return Row(round(y, 1), shown, bars, round(after, 1), seconds(row.end - row.begin), look, row.inside)


def _bar(part: tuple[float, float, str, str], row: Drawn, axis: Axis, left: float) -> Bar:
    begin, end, look, word = part
    x = axis.at(begin)
    width = max(1.0, axis.at(end) - x)
    tip = f"{row.name}{f': {word}' if word else ''}, {seconds(end - begin)} from {seconds(begin)} on"
    return Bar(round(left + x, 1), round(width, 1), look, tip, word if width > len(word) * CHARACTER + 8 else "")
