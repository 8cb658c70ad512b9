"""A boot that never was, put together by its moments: for what the recorded ones do not show."""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.report import FilesystemReport, Report, Result, StepReport, VolumeReport
from cc_blockstore.analysis.recorded import Event, Manager, Moment, Recorded, Unit

EPOCH = 1_800_000_000.0
FAST, SLOW = "10.0.0.1:3260", "10.0.0.2:3260"
STEPS = ("login", "device", "partition", "filesystem", "mount")


def moment(at: float, clock: float = 0.0) -> Moment:
    """A moment while the clock is wrong by so much."""
    return Moment(at, EPOCH + at + clock)


def unit(name: str, begun: float, up: float | None, *, before: Iterable[str] = (), required_by: Iterable[str] = ()) -> Unit:
    """A unit under the right clock."""
    return Unit(name, moment(begun), None if up is None else moment(up), tuple(before), tuple(required_by))


def lasting(name: str, begin: float, end: float) -> tuple[Event, Event]:
    """Both events of something that cloud-init's log tells of."""
    return Event(name, True, EPOCH + begin, "running"), Event(name, False, EPOCH + end, "SUCCESS: ran")


def volume(name: str, *milliseconds: int, failed: str = "", start: int = 100) -> VolumeReport:
    """A volume whose steps took so long, one after the other."""
    steps, at = [], start
    for step, taken in zip(STEPS, milliseconds):
        steps.append(StepReport(step, True, at, taken))
        at += taken
    result = Result.FAILED if failed else Result.OK
    carried = (FilesystemReport("/dev/sda1", "ext4", mount=f"/srv/{name}"),)
    return VolumeReport(f"id-{name}", name, result, True, failed, filesystems=carried, steps=tuple(steps))


def report(*volumes: VolumeReport, began: float = 22.0, duration: int = 4000) -> Report:
    """status.json of a run that began then."""
    return Report("i-1", "iqn.2018-12.com.leftasexercise:i-1", "", duration, volumes, uptime_ms=round(began * 1000))


UNITS = (
    unit("cloud-init-main.service", 5, 10), unit("cloud-init-local.service", 10, 13), unit("cloud-init-network.service", 16, 19),
    unit("cloud-config.service", 20, 27, before=("cloud-final.service", "shutdown.target", "app.service")),
    unit("cloud-final.service", 28, 30),
)  # fmt: skip
EVENTS = (
    *lasting("init-local/search-BlockStore", 10.5, 11), *lasting("init-network/check-cache", 16.2, 16.3),
    *lasting("modules-config/config-blockstore", 21.5, 26.5),
)  # fmt: skip


def boot(
    found: Report | None, *more: Unit, events: tuple[Event, ...] = EVENTS, units: tuple[Unit, ...] = UNITS, now: float = 60
) -> Recorded:
    """A boot of which everything is known. `data` is behind a portal of its own."""
    portals = {each.id: SLOW if each.name == "data" else FAST for each in (found.volumes if found else ())}
    manager = Manager(initrd=1.0, userspace=2.0, finish=30.5)
    return Recorded("boot-1", moment(now), manager, {each.name: each for each in (*units, *more)}, events, found, portals)
