"""The machine as the effects see it: where its files are, what runs its commands, what tells its time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import field
from functools import cached_property
from pathlib import Path

from blockstore.run import Command, Runner, launch, run
from blockstore.values import dataclass
from blockstore.waiting import CLOCK, Clock
from cc_blockstore.machine import new_disks
from cc_blockstore.machine.disks import Disks
from cc_blockstore.machine.mount_call import by_kernel
from cc_blockstore.machine.mount_table import MountTable
from cc_blockstore.machine.new_disks import Doze
from cc_blockstore.machine.sessions import Sessions
from cc_blockstore.plan.mount_call import MountCall


@dataclass(frozen=True)
class Paths:
    """Every folder that is read or written, each made once; a test gives its own root."""

    root: Path = Path("/")

    @cached_property
    def sys(self) -> Path:
        """sysfs."""
        return self.root / "sys"

    @cached_property
    def proc(self) -> Path:
        """procfs."""
        return self.root / "proc"

    @cached_property
    def dev(self) -> Path:
        """Device nodes."""
        return self.root / "dev"

    def node(self, device: str) -> str:
        """The node of a device (``/dev/sda``), as a text: it is opened often, and a path costs more than the opening."""
        return f"{self.dev}/{os.path.basename(device)}"

    @cached_property
    def udev(self) -> Path:
        """udev's database (its files are not a documented interface, but the same since systemd 180)."""
        return self.root / "run/udev/data"

    @cached_property
    def run(self) -> Path:
        """What lasts until the machine stops: the lock and status.json."""
        return self.root / "run/blockstore"

    @cached_property
    def state(self) -> Path:
        """What lasts: which volumes are ours."""
        return self.root / "var/lib/blockstore"

    @cached_property
    def iscsi(self) -> Path:
        """open-iscsi's own, from 2.1.10 on."""
        return self.root / "var/lib/iscsi"

    @cached_property
    def etc(self) -> Path:
        """The administrator's files."""
        return self.root / "etc"

    @cached_property
    def fstab(self) -> Path:
        """fstab(5)."""
        return self.etc / "fstab"


@dataclass(frozen=True)
class Machine:
    """Handed down to every effect. ``turn``: who waits for udev waits in turn, so that one of many threads looks and not all."""

    paths: Paths = field(default_factory=Paths)
    run: Runner = run
    clock: Clock = CLOCK
    sync: Callable[[], None] = os.sync
    launch: Callable[[Command], None] = launch
    mount: Callable[[MountCall], bool] = by_kernel
    new_disks: Callable[[Clock], AbstractContextManager[Doze | None]] = new_disks.listening
    sessions: Sessions = field(default_factory=Sessions)
    disks: Disks = field(default_factory=Disks)
    mounted: MountTable = field(default_factory=MountTable)
    turn: AbstractContextManager[bool] = field(default_factory=threading.Lock)
