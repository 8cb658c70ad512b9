"""The report: what an instance did, volume by volume. The same object is status.json and the body of PUT /v1/report."""

from __future__ import annotations

import enum

from blockstore.reader import Faults, Reader
from blockstore.values import dataclass

VERSION = 1
LONGEST_REASON = 2000


class Result(str, enum.Enum):
    """How it ended for one volume."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class StepReport:
    """One step of one volume: ``start_ms`` since the run began, ``ms`` how long it took."""

    step: str
    changed: bool
    start_ms: int
    ms: int


@dataclass(frozen=True)
class FilesystemReport:
    """A file system that the volume carries; ``mount`` is "" where it is not mounted."""

    device: str
    type: str
    uuid: str = ""
    label: str = ""
    mount: str = ""


@dataclass(frozen=True)
class VolumeReport:
    """How it ended for one volume; ``reason`` is "" where all is well."""

    id: str
    name: str
    result: Result
    changed: bool = False
    reason: str = ""
    device: str = ""
    serial: str = ""
    filesystems: tuple[FilesystemReport, ...] = ()
    steps: tuple[StepReport, ...] = ()

    def to_wire(self) -> dict[str, object]:
        """The mapping that travels."""
        return {
            "id": self.id, "name": self.name, "result": self.result.value, "changed": self.changed,
            "reason": line(self.reason) or None, "device": self.device or None, "serial": self.serial or None,
            "filesystems": [
                {"device": f.device, "type": f.type, "uuid": f.uuid, "label": line(f.label), "mount": f.mount or None}
                for f in self.filesystems
            ],
            "steps": [{"step": s.step, "changed": s.changed, "start_ms": s.start_ms, "ms": s.ms} for s in self.steps],
        }  # fmt: skip


@dataclass(frozen=True)
class Report:
    """One run. ``started`` is RFC 3339; ``faults`` are those of the document; ``notes`` what is worth knowing but no failure.

    ``uptime_ms``: how long the kernel had run at ``started`` (0: not known), so that power-on needs no wall clock, which an
    instance sets only after it has started.
    """

    instance_id: str
    initiator_name: str
    started: str
    duration_ms: int
    volumes: tuple[VolumeReport, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    uptime_ms: int = 0

    def to_wire(self) -> dict[str, object]:
        """The mapping that travels: no secret has a place in it."""
        wire: dict[str, object] = {
            "version": VERSION, "instance_id": self.instance_id, "initiator_name": self.initiator_name,
            "started": self.started, "duration_ms": self.duration_ms, "volumes": [v.to_wire() for v in self.volumes],
        }  # fmt: skip
        if self.uptime_ms:
            wire["uptime_ms"] = self.uptime_ms
        if self.faults:
            wire["faults"] = [line(fault) for fault in self.faults]
        if self.notes:
            wire["notes"] = [line(note) for note in self.notes]
        return wire

    @property
    def changed(self) -> bool:
        """Whether any volume was changed."""
        return any(volume.changed for volume in self.volumes)

    @property
    def healthy(self) -> bool:
        """Whether every volume is as it should be and the document had no fault."""
        return not self.faults and all(volume.result is Result.OK for volume in self.volumes)


def line(text: str) -> str:
    """A text as one line of bounded length: what tools and disks say may hold anything, and a report must be readable again."""
    return "".join(c if c.isprintable() else " " for c in text[:LONGEST_REASON])


def from_wire(value: object) -> Report:
    """Read a report. Raises `DocumentInvalid` with all faults."""
    faults = Faults()
    reader = Reader(value, faults)
    report = Report(
        instance_id=reader.text("instance_id") or "",
        initiator_name=reader.text("initiator_name") or "",
        started=reader.text("started") or "",
        duration_ms=reader.integer("duration_ms") or 0,
        volumes=tuple(_volume(each) for each in reader.each("volumes")),
        faults=reader.texts("faults") or (),
        notes=reader.texts("notes") or (),
        uptime_ms=reader.integer("uptime_ms") or 0,
    )
    if reader.integer("version") != VERSION:
        faults.add("version", f"must be {VERSION}")
    faults.raise_any()
    return report


def _volume(reader: Reader) -> VolumeReport:
    return VolumeReport(
        id=reader.required_text("id"),
        name=reader.text("name") or "",
        result=Result(reader.choice("result", tuple(result.value for result in Result)) or Result.FAILED.value),
        changed=reader.boolean("changed") or False,
        reason=reader.text("reason") or "",
        device=reader.text("device") or "",
        serial=reader.text("serial") or "",
        filesystems=tuple(_filesystem(each) for each in reader.each("filesystems")),
        steps=tuple(_step(each) for each in reader.each("steps")),
    )


def _filesystem(reader: Reader) -> FilesystemReport:
    return FilesystemReport(
        reader.text("device") or "", reader.text("type") or "", reader.text("uuid") or "",
        reader.text("label") or "", reader.text("mount") or "",
    )  # fmt: skip


def _step(reader: Reader) -> StepReport:
    return StepReport(
        reader.text("step") or "", reader.boolean("changed") or False,
        reader.integer("start_ms") or 0, reader.integer("ms") or 0,
    )  # fmt: skip
