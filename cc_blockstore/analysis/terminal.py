"""The waterfall for a terminal: the boot's rows, then the volumes on a scale of their own. Plain text, as wide as it may be.

Nothing depends on colour: the steps of a volume are letters.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cc_blockstore.analysis.scale import Axis, label
from cc_blockstore.analysis.spans import Kind, Line, Span, Timeline
from cc_blockstore.analysis.verdict import Verdict, seconds

LETTERS = {"fstab": "s", "login": "l", "device": "d", "partition": "p", "filesystem": "f", "mount": "m"}
OTHER, FAILED = "+", "!"
NARROWEST = 40
# More volumes are a wall of text; --json and --svg have all of them.
MOST = 20
COLOURS = {
    Kind.FIRMWARE: 90, Kind.KERNEL: 33, Kind.SYSTEMD: 34, Kind.CLOUD_INIT: 35, Kind.DATASOURCE: 36, Kind.MODULE: 32,
    Kind.SERVICE: 31, Kind.LOGIN: 32,
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """What the terminal can: its width in columns, the character of a bar, whether it shows colours."""

    width: int = 80
    full: str = "█"
    colour: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a chart, its bar not yet drawn."""

    name: str
    begin: float
    end: float
    parts: tuple[tuple[float, float, str], ...]
    kind: Kind


def text(timeline: Timeline, verdict: Verdict, style: Style) -> str:
    """The whole page. No line is wider than the style says (but never narrower than 40)."""
    page = Page(style)
    blocks = [page.words((*verdict.words, *(f"Note: {note}." for note in timeline.notes)))]
    spans = [*timeline.rows, *(each.service for each in timeline.services)]
    if spans:
        blocks.append(page.chart("THE BOOT", [page.span(each) for each in spans]))
    if timeline.volumes:
        shown, rest = _shown(timeline.volumes)
        blocks.append([*page.chart("THE VOLUMES", [_volume(each) for each in shown]), *page.words([rest, _legend(shown)])])
    return "\n\n".join("\n".join(block) for block in blocks)


class Page:
    """Draws in one style."""

    def __init__(self, style: Style) -> None:
        self._style, self._width = style, max(style.width, NARROWEST)

    def words(self, sentences: Iterable[str]) -> list[str]:
        """Wrapped; a sentence's later lines are indented."""
        return [line for each in sentences for line in textwrap.wrap(each, self._width, subsequent_indent="  ")]

    def span(self, span: Span) -> Row:
        """A row of the boot."""
        name = f"  {span.name}" if span.inside else span.name
        return Row(name, span.begin, span.end, ((span.begin, span.end, self._style.full),), span.kind)

    def chart(self, title: str, rows: Sequence[Row]) -> list[str]:
        """A head with the scale, then a line for each row."""
        name = min(max(len(title), *(len(each.name) for each in rows)), max(12, self._width // 3))
        bar = self._width - name - 17
        axis = Axis(min(each.begin for each in rows), max(each.end for each in rows), bar)
        head = f"{title[:name]:<{name}} {'AT':>7} {'TOOK':>7} {_scale(axis)}"
        return [head.rstrip(), *(self._line(each, name, axis) for each in rows)]

    def _line(self, row: Row, name: int, axis: Axis) -> str:
        shown = row.name if len(row.name) <= name else f"{row.name[: name - 1]}~"
        drawn = _bar(row.parts, axis)
        if self._style.colour:
            drawn = f"\x1b[{COLOURS[row.kind]}m{drawn}\x1b[0m"
        return f"{shown:<{name}} {f'{row.begin:.1f} s':>7} {seconds(row.end - row.begin):>7} {drawn}".rstrip()


def _bar(parts: Iterable[tuple[float, float, str]], axis: Axis) -> str:
    """Every part at least one character; the shorter ones are drawn over the longer ones."""
    width = int(axis.width)
    cells = [" "] * width
    for begin, end, mark in sorted(parts, key=lambda each: each[0] - each[1]):
        first = min(width - 1, int(axis.at(begin)))
        last = min(width, max(first + 1, round(axis.at(end))))
        cells[first:last] = mark * (last - first)
    return "".join(cells).rstrip()


def _scale(axis: Axis) -> str:
    """The ticks' labels, each beginning where its moment is."""
    ticks, line = axis.ticks(max(1, int(axis.width) // 10)), ""
    for tick in ticks:
        word, place = label(tick, ticks), int(axis.at(tick))
        if place >= len(line) + (1 if line else 0) and place + len(word) <= axis.width:
            line = line.ljust(place) + word
    return line


def _volume(volume: Line) -> Row:
    parts = [(each.begin, each.end, LETTERS.get(each.name, OTHER)) for each in volume.steps]
    if volume.failed:
        parts.append((volume.end, volume.end, FAILED))
    return Row(volume.name, volume.begin, volume.end, tuple(parts), Kind.SERVICE if volume.failed else Kind.MODULE)


def _shown(volumes: Sequence[Line]) -> tuple[list[Line], str]:
    """The volumes to draw, and a word on the others: those that failed, then those that were there last."""
    if len(volumes) <= MOST:
        return list(volumes), ""
    ordered = sorted(volumes, key=lambda each: (each.failed, each.end), reverse=True)
    shown, rest = ordered[:MOST], ordered[MOST:]
    return (
        shown,
        f"and {len(rest)} more, {'all up' if not any(each.failed for each in rest) else 'ended'} by {seconds(rest[0].end)}",
    )


def _legend(volumes: Sequence[Line]) -> str:
    used = {step.name for each in volumes for step in each.steps}
    known = [f"{letter} {name}" for name, letter in LETTERS.items() if name in used]
    other = [f"{OTHER} other"] if used - set(LETTERS) else []
    failed = [f"{FAILED} failed or refused"] if any(each.failed for each in volumes) else []
    return "  ".join([*known, *other, *failed])
