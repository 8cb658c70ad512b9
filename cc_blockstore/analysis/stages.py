"""cloud-init's stages: their bounds from systemd's units, and the log's events in them on the monotonic clock."""

from __future__ import annotations

from collections.abc import Mapping
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
    mine = [each for each in recorded.events if each.name.partition("/")[0] == key]
    moments = clock.placed([each.realtime for each in mine], unit.begun, unit.up or recorded.now)
    placed = tuple(Placed(event, at) for event, at in zip(mine, moments, strict=True))
    run = began(recorded) if key == CONFIG else None
    end = (unit.up or recorded.now).monotonic
    inside = run is not None and unit.begun.monotonic - SLACK <= run <= end + SLACK
    return Stage(key, unit.begun.monotonic, end, placed, run if inside else None)


def began(recorded: Recorded) -> float | None:
    """When the run of status.json began, None where that is not known."""
    known = recorded.report is not None and recorded.report.uptime_ms > 0
    return recorded.report.uptime_ms / 1000 if recorded.report and known else None
