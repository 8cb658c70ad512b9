"""One report as the page tells it: a picture, and in words what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from blockstore import report as wire
from blockstore.errors import DocumentInvalid
from blockstore.report import Report, Result, VolumeReport
from metadata_server.overview import words
from metadata_server.overview.picture import STEPS, Picture, draw
from metadata_server.overview.scale import LATEST_BOOT_MS

# More than that nobody reads on a page; `instance show --json` has all of it.
MOST_TROUBLE, MOST_NUMBERS = 20, 64


@dataclass(frozen=True)
class Trouble:
    """A volume that did not come up: what happened to it, at which step, and the reason as the instance gave it."""

    name: str
    ended: str
    step: str
    reason: str


@dataclass(frozen=True)
class Boot:
    """One run of an instance. ``kind`` says what began it; ``volumes`` are for the numbers below the picture."""

    kind: str
    received: str
    received_at: str
    age: str
    look: str
    picture: Picture
    trouble: tuple[Trouble, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    volumes: tuple[VolumeReport, ...]
    hidden: int


def boot(body: Mapping[str, object] | None, received_at: str, now: datetime, *, most: int) -> Boot | None:
    """From a report as it was kept, with ``most`` volumes in the picture; None where there is none that can be read."""
    try:
        report = wire.from_wire(body) if body is not None else None
    except DocumentInvalid:
        return None
    if report is None:
        return None
    return Boot(
        kind=_kind(report),
        received=words.clock(received_at),
        received_at=received_at,
        age=words.ago(received_at, now),
        look="well" if report.healthy else "bad",
        picture=draw(report, most),
        trouble=tuple(_trouble(each) for each in report.volumes if each.result is not Result.OK)[:MOST_TROUBLE],
        faults=report.faults[:MOST_TROUBLE],
        notes=report.notes[:MOST_TROUBLE],
        volumes=report.volumes[:MOST_NUMBERS],
        hidden=max(0, len(report.volumes) - MOST_NUMBERS),
    )


def _kind(report: Report) -> str:
    if 0 < report.uptime_ms <= LATEST_BOOT_MS:
        return "Boot"
    return f"Run, {words.took(report.uptime_ms)} after power-on" if report.uptime_ms else "Run"


def _trouble(volume: VolumeReport) -> Trouble:
    step = STEPS.get(volume.steps[-1].step, volume.steps[-1].step) if volume.steps else ""
    ended = "was refused" if volume.result is Result.REFUSED else "failed"
    return Trouble(volume.name or volume.id, ended, step, volume.reason or "no reason was given")
