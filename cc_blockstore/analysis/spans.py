"""The words of a timeline. All moments are seconds after the kernel's start, on the clock that nobody can set."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from cc_blockstore.analysis.clock import Jump


class Kind(str, enum.Enum):
    """What a row of the boot belongs to."""

    FIRMWARE = "firmware"
    KERNEL = "kernel"
    SYSTEMD = "systemd"
    CLOUD_INIT = "cloud-init"
    DATASOURCE = "datasource"
    LOGIN = "open-iscsi"
    MODULE = "blockstore"
    SERVICE = "service"


@dataclass(frozen=True)
class Span:
    """Something that lasted from ``begin`` to ``end``. ``inside``: a part of the row above it."""

    name: str
    kind: Kind
    begin: float
    end: float
    inside: bool = False

    @property
    def seconds(self) -> float:
        """How long."""
        return max(0.0, self.end - self.begin)


# What systemd did by itself from fstab, before our module came: the mount of a volume that is not new.
FSTAB = "fstab"


@dataclass(frozen=True)
class Line:
    """One volume: its steps in order. How it ended is "" where only cloud-init's log knows of it."""

    name: str
    steps: tuple[Span, ...]
    id: str = ""
    result: str = ""
    reason: str = ""
    portal: str = ""
    mounts: tuple[str, ...] = ()

    @property
    def begin(self) -> float:
        """When its first step began."""
        return min((each.begin for each in self.steps), default=0.0)

    @property
    def end(self) -> float:
        """When its last step ended."""
        return max((each.end for each in self.steps), default=0.0)

    @property
    def up(self) -> float:
        """When it was there for its users: mounted from fstab, or its last step done."""
        return self.steps[0].end if self.by_fstab else self.end

    @property
    def by_fstab(self) -> bool:
        """Whether systemd had mounted it before our module came."""
        return bool(self.steps) and self.steps[0].name == FSTAB

    @property
    def failed(self) -> bool:
        """Whether it did not come up."""
        return self.result not in ("", "ok")


@dataclass(frozen=True)
class Gated:
    """A service that is not to start before ``after`` (a mount point of ours, or the config stage), which came at ``there``."""

    service: Span
    after: str
    there: float

    @property
    def early(self) -> bool:
        """Whether it was started before: the order came too late for this boot."""
        return self.service.begin < self.there


@dataclass(frozen=True)
class Timeline:
    """One boot. ``finished`` is when systemd called it done, 0 where it has not yet; ``later``: the steps are those of a run
    after the boot; ``notes`` say what is not as exact as it looks."""

    boot_id: str
    rows: tuple[Span, ...]
    volumes: tuple[Line, ...] = ()
    services: tuple[Gated, ...] = ()
    jumps: tuple[Jump, ...] = ()
    finished: float = 0.0
    later: bool = False
    notes: tuple[str, ...] = ()

    @property
    def begin(self) -> float:
        """0, or less where firmware and loader are known."""
        return min((each.begin for each in self.rows), default=0.0)

    @property
    def end(self) -> float:
        """The end of whatever ended last."""
        return max((each.end for each in (*self.rows, *(each.service for each in self.services))), default=0.0)
