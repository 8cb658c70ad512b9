"""Reading what was put down of this boot: systemd's moments, cloud-init's log. Two processes, three where a service waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping

from blockstore.errors import CommandFailed
from blockstore.report import Report, VolumeReport
from blockstore.run import Command
from blockstore.values import replace
from cc_blockstore.analysis import cloud_init, stages, systemd
from cc_blockstore.analysis.recorded import Manager, Moment, Recorded, Unit
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.mount import unit_name

LOG = "var/log/cloud-init.log"
OURS = (stages.MAIN, stages.OPEN_ISCSI, *(name for names in stages.UNITS.values() for name in names))


def see(
    machine: Machine, report: Report | None, portals: Mapping[str, str], realtime: Callable[[], float] = time.time
) -> Recorded:
    """What is known of this boot. ``report`` is status.json, ``portals`` the volumes' portals by volume id.

    What cannot be read is left out, with a note that says so.
    """
    notes: list[str] = []
    report = _where_they_are(report) if report else None
    points = [each.mount for volume in (report.volumes if report else ()) for each in volume.filesystems if each.mount]
    manager, units = _systemd(machine, points, notes)
    path = machine.paths.root / LOG
    log = files.read(path)
    if not log:
        why = "cannot be read (run it as root)" if path.exists() and not os.access(path, os.R_OK) else "is not there or empty"
        notes.append(f"/{LOG} {why}, so what happened inside of cloud-init's stages is missing")
    boot_id = files.read(machine.paths.proc / "sys/kernel/random/boot_id").strip()
    now = Moment(machine.clock.monotonic(), realtime())
    return Recorded(boot_id, now, manager, units, cloud_init.events(log), report, dict(portals), tuple(notes))


def _where_they_are(report: Report) -> Report:
    """With the mount points behind all links: systemd names its units by these."""

    def of(volume: VolumeReport) -> VolumeReport:
        there = (replace(each, mount=os.path.realpath(each.mount) if each.mount else "") for each in volume.filesystems)
        return replace(volume, filesystems=tuple(there))

    return replace(report, volumes=tuple(of(each) for each in report.volumes))


def _systemd(machine: Machine, points: Iterable[str], notes: list[str]) -> tuple[Manager, dict[str, Unit]]:
    try:
        manager = systemd.manager(_show(machine, systemd.MANAGER, ()))
        units = systemd.units(_show(machine, systemd.UNIT, (*OURS, *dict.fromkeys(unit_name(each) for each in points))))
        waiting = _waiting(units)
        return manager, units | (systemd.units(_show(machine, systemd.UNIT, waiting)) if waiting else {})
    except (CommandFailed, OSError) as error:
        notes.append(f"systemd could not be asked for its moments: {error}")
        return Manager(), {}


def _waiting(units: Mapping[str, Unit]) -> tuple[str, ...]:
    """The services that wait for a mount of ours, or for the config stage."""
    config = [unit for name in stages.UNITS[stages.CONFIG] if (unit := units.get(name))]
    mounts = [unit for name, unit in units.items() if name.endswith(".mount")]
    named = [*(name for unit in config for name in unit.before), *(name for unit in mounts for name in unit.required_by)]
    return tuple(dict.fromkeys(name for name in named if name.endswith(".service") and name not in OURS))


def _show(machine: Machine, properties: Iterable[str], units: Iterable[str]) -> str:
    argv = ("systemctl", "show", systemd.DATES, f"--property={','.join(properties)}", "--", *units)
    return machine.run(Command(argv), timeout=30).stdout
