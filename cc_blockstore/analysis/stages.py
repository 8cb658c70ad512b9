"""cloud-init's stages: their bounds from systemd's units, and the log's events in them on the monotonic clock."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cc_blockstore.analysis import clock
from cc_blockstore.analysis.recorded import Event, Recorded, Unit

LOCAL, NETWORK, CONFIG, FINAL = "init-local", "init-network", "modules-config", "modules-final"
# cloud-init.service was renamed in 24.3.
UNITS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    LOCAL: ("cloud-init-local.service",),
    NETWORK: ("cloud-init-network.service", "cloud-init.service"),
    CONFIG: ("cloud-config.service",),
    FINAL: ("cloud-final.service",),
})  # fmt: skip
# The one process of all stages, from 24.3 on.
MAIN = "cloud-init-main.service"
MODULE = f"{CONFIG}/config-blockstore"
# It logs in to the volumes of earlier boots, before the config stage.
OPEN_ISCSI = "open-iscsi.service"
SLACK = 1.0


@dataclass(frozen=True)
class Placed:
    """An event, and when it was on the monotonic clock."""

    event: Event
    at: float


@dataclass(frozen=True)
class Stage:
    """One stage. ``report``: when the run began that status.json tells of, None where that was no run of this stage."""

    key: str
    begin: float
    end: float
    events: tuple[Placed, ...] = ()
    report: float | None = None

    def lasted(self, name: str) -> tuple[float, float] | None:
        """When the event of this name began and ended; None where the log has not both."""
        begun = next((each.at for each in self.events if each.event.begins and each.event.name == name), None)
        ended = next((each.at for each in self.events if not each.event.begins and each.event.name == name), None)
        return None if begun is None or ended is None else (begun, max(begun, ended))


def stages(recorded: Recorded) -> tuple[Stage, ...]:
    """The stages that this boot has begun, in order."""
    found = ((key, recorded.unit(*names)) for key, names in UNITS.items())
    return tuple(_stage(recorded, key, unit) for key, unit in found if unit is not None)


def _stage(recorded: Recorded, key: str, unit: Unit) -> Stage:
    bare = Stage(key, unit.begun.monotonic, (unit.up or recorded.now).monotonic)
    mine = [each for each in recorded.events if each.name.partition("/")[0] == key]
    stamps = [each.realtime for each in mine]
    if key == CONFIG and recorded.report is not None:
        place = next((index + 1 for index, each in enumerate(mine) if each.begins and each.name == MODULE), len(mine))
        began = _epoch(recorded.report.started)
        moments = clock.placed([*stamps[:place], began, *stamps[place:]], unit.begun, unit.up or recorded.now)
        if bare.begin - SLACK <= moments[place] <= bare.end + SLACK:
            return _with(bare, mine, [*moments[:place], *moments[place + 1 :]], moments[place])
    return _with(bare, mine, clock.placed(stamps, unit.begun, unit.up or recorded.now), None)


def _with(bare: Stage, events: Sequence[Event], moments: Sequence[float], report: float | None) -> Stage:
    placed = tuple(Placed(event, at) for event, at in zip(events, moments, strict=True))
    return Stage(bare.key, bare.begin, bare.end, placed, report)


def _epoch(text: str) -> float:
    """RFC 3339 as seconds since 1970; 0 for what is none (Python before 3.11 takes no Z)."""
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0


def began(recorded: Recorded) -> float | None:
    """When the run of status.json began, by the clock as it is now: right for a run after the boot."""
    if recorded.report is None:
        return None
    there = _epoch(recorded.report.started) - recorded.now.offset
    return there if 0 <= there <= recorded.now.monotonic + SLACK else None
