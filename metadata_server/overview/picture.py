"""The picture of one run: what happened when, volume by volume. From a report to geometry, and nothing else.

A report comes from an instance, which may write anything: whatever the numbers are, every bar lies inside the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blockstore.report import Report, Result, StepReport, VolumeReport
from metadata_server.overview import words
from metadata_server.overview.scale import Scale, Tick, scale

# What steps are called for people; a step of a later version keeps its own name, and its colour is grey.
STEPS = {"login": "login", "device": "device", "partition": "partition", "filesystem": "file system", "mount": "mount"}
OTHER = "other"
THINNEST = 0.7
MOST_STEPS = 40
LONGEST_NAME, LONGEST_STEP = 22, 20
# In pixels: the line of the axis, a row of text and bar, the bar in it.
AXIS, ROW, BAR = 22, 42, 14


@dataclass(frozen=True)
class Bar:
    """One step; ``look`` is its class, ``word`` is written on it where it is wide enough."""

    look: str
    x: float
    width: float
    changed: bool
    failed: bool
    word: str
    tip: str

    @property
    def end(self) -> float:
        """Its right end."""
        return self.x + self.width


@dataclass(frozen=True)
class Row:
    """One volume; ``y`` in pixels."""

    y: int
    name: str
    told: str
    look: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Picture:
    """``height`` in pixels, all x in per cent. ``up`` is where the last volume was there, if all are. ``hidden`` volumes had no
    room."""

    title: str
    description: str
    height: int
    begin: float
    broken: bool
    before: str
    run: str
    up: float | None
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]
    hidden: int


def draw(report: Report, most: int) -> Picture:
    """The picture of this run, with ``most`` volumes at the most: those with trouble come first."""
    whole = max([report.duration_ms, *(end(step) for volume in report.volumes for step in volume.steps)])
    axis = scale(report.uptime_ms, whole)
    volumes = sorted(report.volumes, key=lambda each: each.result is Result.OK)[:most]
    rows = tuple(_row(volume, axis, AXIS + ROW * (index + 1)) for index, volume in enumerate(volumes))
    well = bool(report.volumes) and report.healthy
    return Picture(
        title=headline(report),
        description=" ".join(_described(volume, axis) for volume in volumes),
        height=AXIS + ROW * (len(rows) + 1),
        begin=round(axis.begin, 3),
        broken=axis.broken,
        before=f"boot {words.took(axis.before)}" if axis.before else "",
        run=f"blockstore {words.took(report.duration_ms)}",
        up=axis.at(_last(report.volumes)) if well else None,
        ticks=axis.ticks(),
        rows=rows,
        hidden=len(report.volumes) - len(rows),
    )


def headline(report: Report) -> str:
    """How it ended, in one sentence."""
    if not report.volumes:
        return f"The document has {words.amount(len(report.faults), 'fault')}." if report.faults else "No volume was attached."
    count = words.amount(len(report.volumes), "volume")
    bad = [each for each in report.volumes if each.result is not Result.OK]
    if bad:
        named = words.listed(f"{words.short(each.name or each.id, LONGEST_NAME)} {_ended(each)}" for each in bad)
        return f"{len(bad):,} of {count} did not come up: {named}."
    if report.faults:
        return f"All volumes came up, but the document has {words.amount(len(report.faults), 'fault')}."
    every = f"All {count} are" if len(report.volumes) > 1 else f"{words.short(_name(report.volumes[0]), LONGEST_NAME)} is"
    before = scale(report.uptime_ms, report.duration_ms).before
    since = "after power-on" if before else "after the run began"
    return f"{every} up {words.took(before + _last(report.volumes))} {since}."


def end(step: StepReport) -> int:
    """When it ended, in ms since the run began."""
    return step.start_ms + step.ms


def _last(volumes: Iterable[VolumeReport]) -> int:
    return max((end(step) for volume in volumes for step in volume.steps), default=0)


def _row(volume: VolumeReport, axis: Scale, y: int) -> Row:
    steps = volume.steps[:MOST_STEPS]
    bad = volume.result is not Result.OK
    bars = tuple(_bar(step, axis, failed=bad and index == len(steps) - 1) for index, step in enumerate(steps))
    return Row(y, words.short(_name(volume), LONGEST_NAME), _told(volume, axis), "bad" if bad else "well", bars)


def _bar(step: StepReport, axis: Scale, *, failed: bool) -> Bar:
    x = min(axis.at(step.start_ms), 100 - THINNEST)
    width = round(max(THINNEST, axis.at(end(step)) - x), 3)
    word = words.short(STEPS.get(step.step, step.step), LONGEST_STEP)
    what = "failed" if failed else ("changed something" if step.changed else "as it was")
    tip = f"{word}: {words.took(step.ms)}, from {words.took(axis.before + step.start_ms)}, {what}"
    return Bar(step.step if step.step in STEPS else OTHER, x, width, step.changed, failed, word if width > 11 else "", tip)


def _told(volume: VolumeReport, axis: Scale) -> str:
    if volume.result is not Result.OK:
        return _ended(volume)
    return f"up at {words.took(axis.before + _last([volume]))}" if volume.steps else "up"


def _ended(volume: VolumeReport) -> str:
    return "was refused" if volume.result is Result.REFUSED else "failed"


def _described(volume: VolumeReport, axis: Scale) -> str:
    steps = ", ".join(f"{STEPS.get(step.step, OTHER)} {words.took(step.ms)}" for step in volume.steps[:MOST_STEPS])
    return f"{words.short(_name(volume), LONGEST_NAME)} {_told(volume, axis)}{f' ({steps})' if steps else ''}."


def _name(volume: VolumeReport) -> str:
    return volume.name or volume.id
