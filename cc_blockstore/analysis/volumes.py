"""The volumes' lines: from status.json where that is this boot's run, else from what cloud-init's log has of the steps."""

from __future__ import annotations

from collections.abc import Mapping

from blockstore.report import Report, StepReport, VolumeReport, line
from cc_blockstore.analysis import cloud_init
from cc_blockstore.analysis.spans import Kind, Line, Span
from cc_blockstore.analysis.stages import Stage


def reported(report: Report, begun: float, portals: Mapping[str, str]) -> tuple[Line, ...]:
    """The lines of a run that began at ``begun``."""
    return tuple(_line(each, begun, portals.get(each.id, "")) for each in report.volumes)


def _line(volume: VolumeReport, begun: float, portal: str) -> Line:
    return Line(
        line(volume.name or volume.id), tuple(_step(each, begun) for each in volume.steps), volume.id, volume.result.value,
        line(volume.reason), portal, tuple(each.mount for each in volume.filesystems if each.mount),
    )  # fmt: skip


def _step(step: StepReport, begun: float) -> Span:
    begin = begun + step.start_ms / 1000
    return Span(line(step.step), Kind.MODULE, begin, begin + step.ms / 1000)


def logged(stage: Stage) -> tuple[Line, ...]:
    """The lines that cloud-init's log has: an event when a step has ended, whose words say how long it took."""
    found: dict[str, list[Span]] = {}
    for each in stage.events:
        told = cloud_init.told(each.event)
        if told is not None:
            name, step, seconds = told
            found.setdefault(line(name), []).append(Span(step, Kind.MODULE, each.at - seconds, each.at))
    return tuple(Line(name, tuple(steps)) for name, steps in found.items())
