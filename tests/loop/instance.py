"""An instance on this machine: the real flow and real processes, its own /etc, /var and /run, and loop devices for volumes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from blockstore.attachment import Attachment, Volume
from blockstore.connection_info import Connection
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import VolumeReport
from blockstore.run import Command, Completed
from blockstore.run import run as run_command
from blockstore.waiting import CLOCK, Deadline
from cc_blockstore.arrivals import Arrival
from cc_blockstore.machine import device, fstab, points
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.machine.mount_call import by_kernel
from cc_blockstore.plan.decision import Keep
from cc_blockstore.plan.desired import Desired, Wanted
from cc_blockstore.plan.device import Device
from cc_blockstore.plan.mount_call import MountCall
from cc_blockstore.plan.session import Connected
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import Batch
from cc_blockstore.task import Task
from cc_blockstore.volume import BringUp, Outcome
from cc_blockstore.wish import VolumeWish
from tests.loop.disk import Disk, read_table

SERIAL = "9b1f2c3d-0000-4000-8000-0000000000aa"
NAME = "data"
SECONDS = 20
# Told to whoever listens (sys.addaudithook), as Python tells of a process.
MOUNT = "blockstore.mount"
WRITERS = ("sfdisk", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "mkfs.vfat", "mkswap")


class PowerCut(BaseException):
    """The machine stopped: nothing catches it."""


@dataclass
class Processes:
    """A runner that does what it is asked, and remembers it. ``cut_before``: the power goes when this program is to start."""

    ours: frozenset[str]
    cut_before: str = ""
    started: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, command: Command, *, timeout: float) -> Completed:
        for word in command.argv:
            assert not word.startswith("/dev/") or self._made(word), f"{command} would touch {word}, which no test made"
        if command.argv[0] == self.cut_before:
            raise PowerCut(str(command))
        self.started.append(command.argv)
        return run_command(command, timeout=timeout)

    def mount(self, call: MountCall) -> bool:
        """As the machine does it, without a process; cut off before like a program of that name."""
        assert self._made(call.device), f"no test made {call.device}"
        if self.cut_before == "mount":
            raise PowerCut(str(call))
        sys.audit(MOUNT, f"mount {call.device} {call.point}")
        return by_kernel(call)

    def _made(self, word: str) -> bool:
        """A disk of the test's, a partition of it, or our own node for it (which is below the root of the test's machine)."""
        disks = (word.partition("p")[0], f"/dev/{Path(word).name.removeprefix('.blockstore-')}")
        return word in self.ours or not self.ours.isdisjoint(disks) or any(word.startswith(f"{node}p") for node in self.ours)

    @property
    def programs(self) -> list[str]:
        return [argv[0] for argv in self.started]

    @property
    def wrote(self) -> list[str]:
        """Those that make something on a disk."""
        return [program for program in self.programs if program in WRITERS]


@dataclass
class KernelClock:
    """The machine's clock. While our code waits for the kernel to show the partitions, a kernel that reads no GPT is helped."""

    disk: Disk

    def monotonic(self) -> float:
        return CLOCK.monotonic()

    def sleep(self, seconds: float) -> None:
        if not self.disk.partitions:
            read_table(self.disk)
        CLOCK.sleep(seconds)


@dataclass
class LoopTransport:
    """A transport whose sessions are always there, and lead to a loop device."""

    disk: Disk
    serial: str
    service = "none.service"

    def connected(self, machine: Machine, path: IscsiPath) -> Connected:
        return Connected.YES

    def prepared(self, machine: Machine, path: IscsiPath) -> bool:
        raise AssertionError("not asked of a connected volume")

    def prepare(self, machine: Machine, connection: Connection, initiator: str, deadline: Deadline) -> None:
        raise AssertionError("not asked of a connected volume")

    def login(self, machine: Machine, paths: Iterable[IscsiPath], deadline: Deadline) -> Batch:
        raise AssertionError("not asked of a connected volume")

    def device(self, machine: Machine, path: IscsiPath) -> Device | None:
        self.disk.check()
        return Device(self.disk.node, self.serial, self.disk.size)

    def disks(self, machine: Machine, paths: Iterable[IscsiPath]) -> list[IscsiPath]:
        raise AssertionError("not asked of a connected volume")

    def shares(self, one: IscsiPath, other: IscsiPath) -> bool:
        raise AssertionError("not asked of a volume that stays")

    def behind(self, machine: Machine, path: IscsiPath) -> list[str]:
        raise AssertionError("not asked of a volume that stays")

    def drop(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        raise AssertionError("not asked of a volume that stays")

    def scan(self, machine: Machine, path: IscsiPath) -> None:
        raise AssertionError("not asked of a disk that is there")

    def logout(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        raise AssertionError("not asked of a volume that stays")

    def forget(self, machine: Machine, path: IscsiPath) -> None:
        raise AssertionError("not asked of a volume that stays")


@dataclass
class Done:
    """How a run ended: its report, and what it started."""

    outcome: Outcome
    processes: Processes

    @property
    def report(self) -> VolumeReport:
        return self.outcome.report


@dataclass
class Instance:
    """A machine with no udev and no systemd below a folder of its own. What is made on the volume carries identities that follow
    from ``volume_id``; the kernel mounts each xfs but once."""

    root: Path
    volume_id: str = SERIAL

    @classmethod
    def fresh(cls, root: Path) -> Instance:
        """A new one: empty state, an fstab with somebody else's line."""
        for folder in ("etc", "var/lib", "run"):
            (root / folder).mkdir(parents=True)
        for name in ("sys", "proc", "dev"):
            (root / name).symlink_to(f"/{name}")
        (root / "etc/fstab").write_text("# theirs\n/dev/vda / ext4 defaults 0 1\n")
        return cls(root)

    @property
    def fstab(self) -> str:
        return (self.root / "etc/fstab").read_text()

    def bring_up(
        self, disk: Disk, wish: VolumeWish | None, *, blank: bool | None = None, mode: str = "rw",
        serial: str = SERIAL, found: str = SERIAL, cut_before: str = "", seconds: float = SECONDS,
    ) -> Done:  # fmt: skip
        """One run for one volume, as `cc_blockstore.bootstrap` does it. ``serial`` is that of the volume, ``found`` the
        device's; ``seconds`` the deadline."""
        clock, processes = KernelClock(disk), Processes(frozenset({disk.node}), cut_before)
        machine = Machine(Paths(self.root), processes, clock, mount=processes.mount)
        volume = Volume(self.volume_id, NAME, serial=serial, blank=blank)
        wanted = Wanted(Attachment("attachment", volume, mode=mode), wish)
        path = IscsiPath(Portal("127.0.0.1", 3260), "iqn.2010-10.org.openstack:volume-a", 1)
        [wanted] = points.resolved(machine, Desired((wanted,), ())).bring_up
        task = Task(wanted, path, LoopTransport(disk, found), serial)
        steps = Steps(NAME, clock.monotonic(), clock)
        device.link(machine, volume, serial)
        outcome = BringUp(machine, Arrival(task, Keep("always there")), Deadline.after(seconds, clock), steps).run()
        if outcome.fstab is not None:
            fstab.update(machine, {volume.id: outcome.fstab})
        return Done(outcome, processes)
