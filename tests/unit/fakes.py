"""What stands in for the machine in the unit tier: a strict runner, a clock in the hand, a machine made of files."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType

import pytest

from blockstore.errors import CommandFailed
from blockstore.iscsi import IscsiPath
from blockstore.run import Command, Completed
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.plan.mount_call import MountCall

Pattern = tuple[str | EllipsisType, ...]


@dataclass
class Expected:
    """A command that is to run once. ``...`` in ``argv`` stands for any one argument."""

    argv: Pattern
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    then: Callable[[Command], None] | None = None

    def fits(self, argv: tuple[str, ...]) -> bool:
        """Whether this command is the expected one."""
        return len(argv) == len(self.argv) and all(want in (..., got) for want, got in zip(self.argv, argv))


class FakeRunner:
    """Runs nothing. A command that nobody expected fails the test, and so does an expected one that did not run."""

    def __init__(self) -> None:
        self.expected: list[Expected] = []
        self.ran: list[Command] = []
        self.timeouts: list[float] = []
        self.unexpected: list[str] = []
        self._guard = threading.Lock()

    def expect(
        self, *argv: str | EllipsisType, code: int = 0, stdout: str = "", stderr: str = "",
        then: Callable[[Command], None] | None = None,
    ) -> None:  # fmt: skip
        """Expect this command once; ``then`` is called when it runs, to change what the next look will see."""
        self.expected.append(Expected(argv, code, stdout, stderr, then))

    def __call__(self, command: Command, *, timeout: float) -> Completed:
        """As `blockstore.run.run`."""
        with self._guard:
            self.ran.append(command)
            self.timeouts.append(timeout)
            found = next((each for each in self.expected if each.fits(command.argv)), None)
            if found is None:
                self.unexpected.append(str(command))
                pytest.fail(f"unexpected command: {command}; expected {[each.argv for each in self.expected]}")
            self.expected.remove(found)
        if found.then:
            found.then(command)
        if found.code not in command.ok:
            raise CommandFailed(str(command), found.code, found.stdout, found.stderr)
        return Completed(found.code, found.stdout, found.stderr)

    @property
    def programs(self) -> list[str]:
        """The programs that ran, in order."""
        return [command.argv[0] for command in self.ran]

    def check(self) -> None:
        """Nothing unexpected ran, and everything expected did."""
        assert not self.unexpected, f"unexpected commands: {self.unexpected}"
        assert not self.expected, f"these never ran: {[each.argv for each in self.expected]}"


class FakeClock:
    """A clock whose sleep lets its time pass at once (and other threads work for a moment)."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self._guard = threading.Lock()

    def monotonic(self) -> float:
        """The time that the test has in its hand."""
        with self._guard:
            return self.now

    def sleep(self, seconds: float) -> None:
        """Advance."""
        with self._guard:
            self.slept.append(seconds)
            self.now += seconds
        time.sleep(0.0003)


class FakeMachine:
    """A machine made of files below one folder: sysfs, procfs, udev's database, device nodes."""

    def __init__(self, root: Path, runner: FakeRunner, clock: FakeClock) -> None:
        self.root, self.runner, self.clock = root, runner, clock
        self.paths = Paths(root)
        self.kernel_mounts: Callable[[MountCall], bool] = lambda call: False  # a test may have it do so
        self.machine = Machine(
            self.paths,
            runner,
            clock,
            sync=lambda: None,
            launch=self._launch,
            mount=lambda call: self.kernel_mounts(call),
            new_disks=lambda clock: contextlib.nullcontext(),
        )
        self.launched: list[Command] = []
        for folder in ("sys/class/block", "sys/class/iscsi_session", "proc/self", "dev", "etc/iscsi/nodes", "run/udev/data"):
            (root / folder).mkdir(parents=True)
        self.write("proc/self/mountinfo", "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n")
        self.write("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
        self._numbers = 0

    def _launch(self, command: Command) -> None:
        self.runner(command, timeout=0)
        self.launched.append(command)

    def write(self, name: str, text: str | bytes) -> Path:
        """A file below the root."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def read(self, name: str) -> str:
        """The text of a file below the root; "" where there is none."""
        path = self.root / name
        return path.read_text() if path.exists() else ""

    def session(self, path: IscsiPath, number: int = 1, state: str = "LOGGED_IN") -> Path:
        """A session of the kernel to this target, on a host of its own."""
        folder = self.write(f"sys/class/iscsi_session/session{number}/targetname", path.iqn + "\n").parent
        (folder / "state").write_text(state + "\n")
        self.write(f"sys/class/scsi_host/host{number}/scan", "")
        if not (folder / "device").is_symlink():
            self._behind(number).mkdir(parents=True)
            (folder / "device").symlink_to(self._behind(number))
        host = f"[{path.portal.host}]" if ":" in path.portal.host else path.portal.host
        connection = f"sys/class/iscsi_connection/connection{number}:0"
        self.write(f"{connection}/persistent_address", host + "\n")
        self.write(f"{connection}/persistent_port", f"{path.portal.port}\n")
        return folder

    def end_session(self, number: int = 1) -> None:
        """The kernel has closed it, and taken its disks away."""
        folder = self.root / f"sys/class/iscsi_session/session{number}"
        (folder / "device").unlink()
        self._behind(number).rename(folder / "device")
        shutil.rmtree(folder)  # in one go: what is opened is counted

    def scanned(self, number: int = 1) -> str:
        """What the host of this session was told to look for."""
        return self.read(f"sys/class/scsi_host/host{number}/scan")

    def _behind(self, number: int) -> Path:
        return self.root / f"sys/devices/platform/host{number}/session{number}"

    def disk(self, name: str, size: int = 1 << 30, data: bytes = b"") -> Path:
        """A disk in sysfs and in /dev; its node is a sparse file."""
        folder = self._block(name, size)
        self._node(name, size, data)
        return folder

    def lun(self, session: Path, name: str, lun: int = 1, size: int = 1 << 30, serial: str = "") -> Path:
        """A disk behind a session, with its serial as VPD page 80h."""
        number = session.name[7:]
        scsi = session / "device" / f"target{number}:0:0" / f"{number}:0:0:{lun}"
        block = scsi / "block" / name
        block.mkdir(parents=True)
        (block / "size").write_text(f"{size // 512}\n")
        (block / "ro").write_text("0\n")
        if serial:
            (scsi / "vpd_pg80").write_bytes(page_80(serial))
        self.disk(name, size)
        (self.root / "sys/class/block" / name / "device").symlink_to(scsi)
        return scsi

    def partition(self, disk: str, number: int, start: int, size: int) -> str:
        """A partition of a disk; gives its node."""
        name = f"{disk}{number}"
        self._numbers += 1
        folder = self.root / "sys/class/block" / disk / name
        folder.mkdir(parents=True)
        for key, value in (("partition", number), ("start", start // 512), ("size", size // 512), ("uevent", "")):
            (folder / key).write_text(f"{value}\n")
        (folder / "dev").write_text(f"8:{self._numbers}\n")
        (self.root / "sys/class/block" / name).symlink_to(folder)
        self._node(name, size)
        self._by_number(name, f"8:{self._numbers}")
        return f"/dev/{name}"

    def udev(self, name: str, **properties: str) -> None:
        """udev has seen this device."""
        number = (self.root / "sys/class/block" / name / "dev").read_text().strip()
        self.write(f"run/udev/data/b{number}", "I:1\n" + "".join(f"E:{key}={value}\n" for key, value in properties.items()))

    def mounted(self, node: str, point: str | Path, kind: str = "ext4", number: str = "0:99") -> None:
        """One more line of mountinfo."""
        file = self.root / "proc/self/mountinfo"
        escaped = str(point).replace(" ", "\\040")
        file.write_text(file.read_text() + f"40 22 {number} / {escaped} rw,relatime - {kind} {node} rw\n")

    def unmounted(self, point: str | Path) -> None:
        """That line is gone."""
        file = self.root / "proc/self/mountinfo"
        file.write_text("".join(line for line in file.read_text().splitlines(True) if f" {point} " not in line))

    def swapped_on(self, node: str) -> None:
        """Active swap."""
        file = self.root / "proc/swaps"
        file.write_text(file.read_text() + f"{node}  partition\t1048572\t0\t-2\n")

    def status(self) -> dict[str, object]:
        """status.json."""
        found = json.loads(self.read("run/blockstore/status.json"))
        assert isinstance(found, dict)
        return found

    def files(self) -> dict[str, bytes]:
        """Every file below the root but the disks themselves, to compare a before with an after."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.parent != self.root / "dev"
        }

    def _block(self, name: str, size: int) -> Path:
        self._numbers += 1
        folder = self.root / "sys/class/block" / name
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in (("size", size // 512), ("ro", 0), ("dev", f"8:{self._numbers}"), ("uevent", "")):
            (folder / key).write_text(f"{value}\n")
        self._by_number(name, f"8:{self._numbers}")
        return folder

    def _by_number(self, name: str, number: str) -> None:
        link = self.root / "sys/dev/block" / number
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../class/block/{name}")

    def _node(self, name: str, size: int, data: bytes = b"") -> None:
        # Complete before it has its name: another thread may be waiting for it.
        hidden = self.root / f"dev/.{name}"
        with hidden.open("wb") as node:
            node.truncate(size)
            node.write(data)
        hidden.rename(self.root / "dev" / name)


def page_80(serial: str) -> bytes:
    """VPD page 80h as sysfs shows it: SPC-4, section 7.8.15."""
    return bytes([0, 0x80]) + len(serial).to_bytes(2, "big") + serial.encode()
