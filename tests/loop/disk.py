"""Disks of this tier: sparse files behind loop devices that the tests made themselves, and no other device is ever touched."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blockstore.run import ENVIRONMENT
from blockstore.size import MIB

BLOCK = 64 * 1024
BLKRRPART = 0x125F

# Block by block the digest of what is not zero: equal where, and only where, every byte is equal.
Contents = dict[int, str]


def run(*argv: str, text: str = "") -> str:
    """A tool of the test's own; a failure shows what it said."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout


@dataclass
class Disk:
    """A loop device and the sparse file behind it. ``sector`` is the logical sector size."""

    file: Path
    sector: int = 512
    node: str = ""

    @property
    def name(self) -> str:
        return Path(self.node).name

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    @property
    def partitions(self) -> list[str]:
        """The partitions as the kernel has them."""
        return sorted(f"/dev/{each.name}" for each in Path("/sys/class/block", self.name).glob(f"{self.name}p*"))

    def attach(self, *, read_only: bool = False) -> None:
        """A free loop device, with its partitions as a kernel that reads tables shows them."""
        options = ("--read-only",) if read_only else ()
        argv = ("losetup", "--find", "--show", "--partscan", "--sector-size", str(self.sector), *options, str(self.file))
        self.node = run(*argv).strip()
        self.check()
        read_table(self)

    def check(self) -> None:
        """That this device is ours: behind it is our file."""
        backing = self._backing()
        assert self.name.startswith("loop"), f"{self.node} is no loop device"
        assert backing == str(self.file), f"{self.node} stands for {backing}, not for {self.file}"

    def detach(self) -> None:
        """Let go of everything on it, then of the device: a reboot, as the disk sees it."""
        self.check()
        own = {self.node, *self.partitions}
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            words, _, rest = line.partition(" - ")
            if self._is_own(own, words.split()[2], rest.split()[1]):
                run("umount", words.split()[4].replace("\\040", " "))
        for line in Path("/proc/swaps").read_text().splitlines()[1:]:
            if line.split()[0] in own:
                run("swapoff", line.split()[0])
        run("losetup", "--detach", self.node)
        self._await_detached()

    def _is_own(self, own: set[str], number: str, source: str) -> bool:
        return source in own or any(
            Path("/sys/class/block", Path(each).name, "dev").read_text().strip() == number for each in own
        )

    def _await_detached(self) -> None:
        """The kernel detaches when the last one closes it."""
        for _ in range(200):
            if self._backing() != str(self.file):
                self.node = ""
                return
            time.sleep(0.01)
        raise AssertionError(f"{self.node} is still in use")

    def _backing(self) -> str:
        """ "" where it stands for nothing: the file is gone then, or while it is read (ENODEV)."""
        with contextlib.suppress(OSError):
            return Path("/sys/class/block", self.name, "loop/backing_file").read_text().strip()
        return ""

    def contents(self) -> Contents:
        """Every byte of it. What is a hole and what is written as zeros is the same."""
        if self.node:
            self.check()
            with open(self.node, "rb") as device:
                os.fsync(device.fileno())
        found = {}
        with open(self.file, "rb") as handle:
            for begin, end in extents(handle.fileno(), self.size):
                for offset in range(begin // BLOCK * BLOCK, end, BLOCK):
                    block = os.pread(handle.fileno(), BLOCK, offset)
                    if block.count(0) != len(block):
                        found[offset] = hashlib.sha256(block).hexdigest()
        return found

    def write(self, offset: int, data: bytes) -> None:
        """Some bytes, before it is attached."""
        assert not self.node, "write before attach"
        with open(self.file, "r+b") as handle:
            handle.seek(offset if offset >= 0 else self.size + offset)
            handle.write(data)


def extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a sparse file holds something: lseek(2), SEEK_DATA."""
    end = 0
    while end < size:
        try:
            begin = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(descriptor, begin, os.SEEK_HOLE)
        yield begin, end


def read_table(disk: Disk) -> None:
    """Have the kernel show the partitions. One built without a reader for GPT (as those of micro-VMs are) is told them
    by partx, which does what its own reader would have done."""
    disk.check()
    with open(disk.node, "rb") as device:
        fcntl.ioctl(device.fileno(), BLKRRPART)
    if not disk.partitions:
        subprocess.run(("partx", "--add", disk.node), capture_output=True, env=ENVIRONMENT, timeout=30, check=False)


@contextlib.contextmanager
def attached(disk: Disk) -> Iterator[Disk]:
    """For a while, for a tool that needs a device to work on."""
    disk.attach()
    try:
        yield disk
    finally:
        disk.detach()


@contextlib.contextmanager
def mounted(disk: Disk, folder: Path, node: str = "") -> Iterator[Path]:
    """For a while, to look at or to put files on it."""
    folder.mkdir(parents=True, exist_ok=True)
    with attached(disk):
        run("mount", node or disk.node, str(folder))
        try:
            yield folder
        finally:
            run("umount", str(folder))


def sparse(file: Path, size: int, sector: int = 512) -> Disk:
    """An empty disk."""
    assert size % MIB == 0
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "wb") as handle:
        handle.truncate(size)
    return Disk(file, sector)
