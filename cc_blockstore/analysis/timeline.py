"""From what was recorded to the timeline: the boot's rows, the volumes, and the services that wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blockstore.report import line
from cc_blockstore.analysis import clock, volumes
from cc_blockstore.analysis import stages as cloud
from cc_blockstore.analysis.recorded import Recorded
from cc_blockstore.analysis.spans import FSTAB, Gated, Kind, Line, Span, Timeline
from cc_blockstore.analysis.stages import Stage
from cc_blockstore.plan.mount import unit_name

NAMES = {cloud.LOCAL: "local", cloud.NETWORK: "network", cloud.CONFIG: "config", cloud.FINAL: "final"}
# What systemd does between two stages; a shorter pause is no row.
BETWEEN = {cloud.NETWORK: "systemd: network", cloud.CONFIG: "systemd: to config", cloud.FINAL: "systemd: to final"}
SHORTEST = 0.05


def timeline(recorded: Recorded) -> Timeline:
    """One timeline. Nothing is invented: what was not recorded is not in it, and a note says so."""
    stages = cloud.stages(recorded)
    lines, later = _lines(recorded, stages)
    lines = tuple(_mounted(each, recorded) for each in lines)
    rows = [*_before(recorded, stages), *_stages(stages, recorded), *_logins(lines, recorded)]
    rows.sort(key=lambda each: each.begin)
    notes = [*recorded.notes, *_remarks(recorded, stages, lines, later=later)]
    moments = [recorded.now, *(moment for unit in recorded.units.values() for moment in (unit.begun, unit.up) if moment)]
    return Timeline(
        recorded.boot_id, tuple(rows), lines, _gated(recorded, stages, lines), clock.jumps(moments), recorded.manager.finish,
        later, tuple(notes),
    )  # fmt: skip


def _before(recorded: Recorded, stages: Sequence[Stage]) -> list[Span]:
    """From power-on, as far as it is known, until cloud-init."""
    manager, main = recorded.manager, recorded.unit(cloud.MAIN)
    userspace = manager.userspace or (stages[0].begin if stages else 0.0)
    rows = [
        Span("firmware", Kind.FIRMWARE, -manager.firmware, -manager.loader),
        Span("boot loader", Kind.FIRMWARE, -manager.loader, 0.0),
        Span("kernel", Kind.KERNEL, 0.0, manager.initrd or userspace),
        *([Span("initrd", Kind.KERNEL, manager.initrd, userspace)] if manager.initrd else []),
    ]
    first = stages[0].begin if stages else manager.finish
    begun = main.begun.monotonic if main else first
    rows.append(Span("systemd: early", Kind.SYSTEMD, userspace, min(begun, first)))
    if begun < first:
        rows.append(Span("cloud-init: loading", Kind.CLOUD_INIT, begun, first))
    return [each for each in rows if each.seconds > 0]


def _stages(stages: Sequence[Stage], recorded: Recorded) -> list[Span]:
    rows: list[Span] = []
    for index, stage in enumerate(stages):
        before = stages[index - 1].end if index else stage.begin
        if stage.begin - before >= SHORTEST:
            rows.append(Span(BETWEEN.get(stage.key, "systemd"), Kind.SYSTEMD, before, stage.begin))
        rows.append(Span(f"cloud-init: {NAMES[stage.key]}", Kind.CLOUD_INIT, stage.begin, stage.end))
        rows += [*_searches(stage), *_module(stage, recorded)]
    return rows


def _logins(lines: Sequence[Line], recorded: Recorded) -> list[Span]:
    """open-iscsi's own logins to volumes of earlier boots; without such volumes it is started for the shutdown alone."""
    unit = recorded.unit(cloud.OPEN_ISCSI)
    if unit is None or unit.up is None or not any(each.by_fstab for each in lines):
        return []
    return [Span("open-iscsi: logins", Kind.LOGIN, unit.begun.monotonic, unit.up.monotonic, inside=True)]


def _searches(stage: Stage) -> list[Span]:
    """The datasource's part: the search for it, or its state of an earlier boot."""
    found = []
    names = dict.fromkeys(each.event.name for each in stage.events)
    searches = [name for name in names if name.startswith(f"{stage.key}/search-")]
    cached = [f"{stage.key}/check-cache"] if stage.key == cloud.LOCAL else []
    for name in searches or cached:
        lasted = stage.lasted(name)
        if lasted is not None:
            source = line(name.rpartition("search-")[2]) if searches else "in the cache"
            found.append(Span(f"search {source}", Kind.DATASOURCE, *lasted, inside=True))
    return found


def _module(stage: Stage, recorded: Recorded) -> list[Span]:
    lasted = stage.lasted(cloud.MODULE)
    if lasted is None and stage.report is not None and recorded.report is not None:
        lasted = (stage.report, stage.report + recorded.report.duration_ms / 1000)
    return [Span("blockstore", Kind.MODULE, *lasted, inside=True)] if lasted else []


def _lines(recorded: Recorded, stages: Sequence[Stage]) -> tuple[tuple[Line, ...], bool]:
    """The volumes' lines, and whether they are those of a run after the boot."""
    config = next((each for each in stages if each.key == cloud.CONFIG), None)
    if config and config.report is not None and recorded.report is not None:
        return volumes.reported(recorded.report, config.report, recorded.portals), False
    boot = volumes.logged(config) if config else ()
    if boot:
        return _known(boot, recorded), False
    begun = cloud.began(recorded)
    if recorded.report is None or begun is None:
        return (), False
    return volumes.reported(recorded.report, begun, recorded.portals), True


def _mounted(volume: Line, recorded: Recorded) -> Line:
    """With systemd's own mounts, where they were there before our module came to mount."""
    units = [recorded.unit(unit_name(point)) for point in volume.mounts]
    moments = [(unit.begun.monotonic, unit.up.monotonic) for unit in units if unit and unit.up]
    ours = next((each.begin for each in volume.steps if each.name == "mount"), volume.end)
    if not moments or len(moments) < len(units) or max(end for _, end in moments) >= ours:
        return volume
    by_fstab = Span(FSTAB, Kind.SYSTEMD, min(begin for begin, _ in moments), max(end for _, end in moments))
    return replace(volume, steps=(by_fstab, *volume.steps))


def _known(lines: Sequence[Line], recorded: Recorded) -> tuple[Line, ...]:
    """With what a later run knows of the same volumes: how this one ended, it does not know."""
    later = {line(each.name): each for each in (recorded.report.volumes if recorded.report else ())}
    return tuple(
        replace(
            each, id=later[each.name].id, portal=recorded.portals.get(later[each.name].id, ""),
            mounts=tuple(there.mount for there in later[each.name].filesystems if there.mount),
        ) if each.name in later else each
        for each in lines
    )  # fmt: skip


def _gated(recorded: Recorded, stages: Sequence[Stage], lines: Sequence[Line]) -> tuple[Gated, ...]:
    """Services that require a mount of ours (RequiresMountsFor=), or are ordered after the config stage."""
    found: dict[str, Gated] = {}
    for volume in lines:
        for point in volume.mounts:
            unit = recorded.units.get(unit_name(point))
            for name in unit.required_by if unit else ():
                _gate(found, recorded, name, line(point), volume.up)
    config = recorded.unit(*cloud.UNITS[cloud.CONFIG])
    if config and config.up:
        for name in config.before:
            _gate(found, recorded, name, "the config stage", config.up.monotonic)
    return tuple(sorted(found.values(), key=lambda each: each.service.begin))


def _gate(found: dict[str, Gated], recorded: Recorded, name: str, after: str, there: float) -> None:
    unit = recorded.unit(name)
    ours = (cloud.MAIN, *(each for names in cloud.UNITS.values() for each in names))
    if unit is None or not name.endswith(".service") or name in (*ours, *found):
        return
    up = unit.up or unit.begun
    found[name] = Gated(Span(line(name), Kind.SERVICE, unit.begun.monotonic, up.monotonic), after, there)


def _remarks(recorded: Recorded, stages: Sequence[Stage], lines: Sequence[Line], *, later: bool) -> list[str]:
    """What is not as it seems."""
    told = []
    if not stages:
        told.append("systemd knows of no stage of cloud-init in this boot")
    if later:
        told.append("the volumes' steps are those of a run after the boot; what the boot's own run did is no longer known")
    elif recorded.report is not None and lines and not lines[0].result:
        told.append("status.json tells of a later run; the boot's steps are from cloud-init's log")
    if not recorded.manager.finish and recorded.units:
        told.append("this boot has not finished yet")
    return told
