"""What was put down of one boot, as it was read; nothing is concluded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from blockstore.report import Report


@dataclass(frozen=True)
class Moment:
    """One instant on both clocks: seconds since the kernel started (CLOCK_MONOTONIC), and since 1970 as the clock then said."""

    monotonic: float
    realtime: float

    @property
    def offset(self) -> float:
        """What turns the one into the other; it changes only when somebody sets the clock."""
        return self.realtime - self.monotonic


@dataclass(frozen=True)
class Manager:
    """systemd's own moments (org.freedesktop.systemd1(5)), in seconds; 0 for what this boot did not have.

    ``firmware`` and ``loader`` are how long before the kernel they began, all others are after its start.
    """

    firmware: float = 0.0
    loader: float = 0.0
    initrd: float = 0.0
    userspace: float = 0.0
    finish: float = 0.0


@dataclass(frozen=True)
class Unit:
    """A unit that this boot started: when that was begun, and when it was up (a oneshot: when it was done), None for not yet."""

    name: str
    begun: Moment
    up: Moment | None = None
    before: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One reporting event of cloud-init's log: ``modules-config/config-blockstore``; ``begins`` or ends, and its words."""

    name: str
    begins: bool
    realtime: float
    words: str


@dataclass(frozen=True)
class Recorded:
    """One boot. ``portals`` are those of the volumes by id; ``notes`` say what could not be read, and why."""

    boot_id: str
    now: Moment
    manager: Manager = field(default_factory=Manager)
    units: Mapping[str, Unit] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    report: Report | None = None
    portals: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def unit(self, *names: str) -> Unit | None:
        """The first of these that this boot started."""
        return next((self.units[name] for name in names if name in self.units), None)
