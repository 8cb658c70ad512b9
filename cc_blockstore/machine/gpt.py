"""The partition table on the disk: read without a process, written with a flush after each part, shown to the kernel."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from array import array
from collections.abc import Iterable, Iterator

from blockstore.errors import BlockstoreError
from blockstore.values import dataclass
from cc_blockstore.machine import files
from cc_blockstore.machine.device import SECTOR
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import gpt as plan
from cc_blockstore.plan.content import Partition
from cc_blockstore.plan.gpt import Copies, Gpt, Write

# linux/blkpg.h: one partition at a time. Other than BLKRRPART this works while another partition is in use, takes no
# partition away that stays, and needs no kernel that reads this kind of table.
BLKPG, ADD, DELETE, RESIZE = 0x1269, 1, 2, 3
_PARTITION = struct.Struct("=qqi64s64s4x")


@dataclass(frozen=True)
class Seen:
    """Both copies, and the bytes where they belong: ``front`` from the begin of the disk, ``back`` up to its end."""

    copies: Copies
    front: bytes
    back: bytes
    sector: int


def see(machine: Machine, node: str, size: int) -> Seen:
    """Read both ends of a disk. A disk that cannot be read, or is too small for a table, holds none."""
    sector = sector_size(machine, node)
    entries = -(-plan.ARRAY // sector)
    try:
        descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
        try:
            front = os.pread(descriptor, (2 + entries) * sector, 0)
            back = os.pread(descriptor, (1 + entries) * sector, size - (1 + entries) * sector) if size > plan.ALIGNMENT else b""
        finally:
            os.close(descriptor)
    except OSError:
        front = back = b""
    if len(front) < (2 + entries) * sector or len(back) < (1 + entries) * sector:
        return Seen(Copies(None, None, False), b"", b"", sector)
    return Seen(plan.read(front, back, sector, size // sector), front, back, sector)


def sector_size(machine: Machine, node: str) -> int:
    """The size of a logical sector in bytes."""
    return int(files.read(f"{machine.paths.sys}/class/block/{os.path.basename(node)}/queue/logical_block_size") or SECTOR)


def write(machine: Machine, node: str, writes: Iterable[Write]) -> None:
    """Write the parts in turn; each is on the disk before the next one begins (fsync(2): page cache, then the disk's own)."""
    with unwatched(machine, node) as own:
        descriptor = os.open(own, os.O_RDWR | os.O_CLOEXEC)
        try:
            for each in writes:
                if os.pwrite(descriptor, each.data, each.offset) != len(each.data):
                    raise BlockstoreError(f"the partition table of {node} was not written whole")
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def unwatched(machine: Machine, node: str) -> Iterator[str]:
    """A node of our own for the disk.

    udev watches the disk's own node (inotify, IN_CLOSE_WRITE): when one that was open for writing is closed, it has the kernel
    read the table again, as soon as nobody holds the lock. The partitions then vanish for a moment, under the next mount.
    """
    path = machine.paths.node(node)
    found = os.stat(path)
    if not stat.S_ISBLK(found.st_mode):  # a file, in tests
        yield path
        return
    own = f"{machine.paths.dev}/.blockstore-{os.path.basename(node)}"
    try:
        os.mknod(own, 0o600 | stat.S_IFBLK, found.st_rdev)
    except FileExistsError:  # that of a run that was ended; names are given to other disks
        os.unlink(own)
        os.mknod(own, 0o600 | stat.S_IFBLK, found.st_rdev)
    try:
        yield own
    finally:
        os.unlink(own)


def partitions(node: str, table: Gpt) -> tuple[Partition, ...]:
    """A table's partitions as the kernel names them."""
    return tuple(
        Partition(
            each.number, partition_node(node, each.number), each.first * table.sector,
            (each.last - each.first + 1) * table.sector, plan.making(each),
        )
        for each in sorted(table.entries, key=lambda each: each.number)
    )  # fmt: skip


def partition_node(node: str, number: int) -> str:
    """/dev/sda1, /dev/loop0p1 (block/partitions/core.c: a name that ends with a digit gets a "p")."""
    return f"{node}p{number}" if node[-1].isdigit() else f"{node}{number}"


def show(machine: Machine, node: str, wanted: Iterable[Partition], there: Iterable[Partition]) -> bool:
    """Let the kernel have exactly these partitions instead of those that it has. True where it had others.

    Raises BlockstoreError where one that must go, or become another, is in use.
    """
    goal, now = {each.number: each for each in wanted}, {each.number: each for each in there}
    stale = [each for number, each in now.items() if number not in goal or goal[number].start != each.start]
    resized = [each for number, each in goal.items() if number in now and each not in stale and now[number].size != each.size]
    missing = [each for number, each in goal.items() if number not in now or now[number] in stale]
    resized = [each for each in resized if each not in missing]
    for operation, changes in ((DELETE, stale), (RESIZE, resized), (ADD, missing)):
        for each in changes:
            _tell(machine, node, operation, each)
    return bool(stale or resized or missing)


def _tell(machine: Machine, node: str, operation: int, partition: Partition) -> None:
    # An array, whose bytes have an address for as long as it is there; ctypes would be 20 ms of an emulated first use.
    body = array("B", _PARTITION.pack(partition.start, partition.size, partition.number, b"", b""))
    argument = struct.pack("@iiiP", operation, 0, _PARTITION.size, body.buffer_info()[0])
    descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, BLKPG, argument)
    except OSError as error:
        busy = "it is in use" if error.errno == errno.EBUSY else error.strerror
        raise BlockstoreError(f"the kernel did not take partition {partition.number} of {node}: {busy}") from None
    finally:
        os.close(descriptor)
