"""Writing a partition table, and reading it back from the kernel."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from blockstore.errors import BlockstoreError, Refused
from blockstore.run import Command
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import content, lock
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import partition as plan
from cc_blockstore.plan.content import Partition
from cc_blockstore.wish import VolumeWish

BLKRRPART = 0x125F  # linux/fs.h: re-read the partition table
# A write that has begun is not cut short by the deadline: half a table would be worse than a late one.
WRITE_SECONDS = 300.0


@contextlib.contextmanager
def held(machine: Machine, node: str, deadline: Deadline) -> Iterator[None]:
    """Keep udev away from the disk while it is changed (systemd, "Locking Block Device Access": a BSD lock on the whole disk).

    Without it udev, woken by sfdisk's close, has the table read again, and the partitions vanish under mkfs for a moment.
    While udev itself works on the disk it holds the lock shared, so what it then knows is complete.
    """
    descriptor = os.open(machine.paths.dev / Path(node).name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        wait_for(f"udev to be done with {node}", lambda: lock.taken(descriptor), deadline)
        yield
    finally:
        os.close(descriptor)


def write(machine: Machine, node: str, wish: VolumeWish, deadline: Deadline) -> tuple[Partition, ...]:
    """Write the table, have the kernel read it, and return the partitions that it then has.

    Raises BlockstoreError where they are not the wished ones. sfdisk's own way to tell the kernel sleeps 250 ms.
    """
    _unclaimed(machine, node)
    argv = ("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", node)
    machine.run(Command(argv, input=plan.script(wish)), timeout=WRITE_SECONDS)
    wait_for(f"the kernel to read the partition table of {node}", lambda: _reread(machine, node), deadline)
    found = wait_for(f"the partitions of {node}", lambda: _complete(machine, node, len(wish.partitions)), deadline)
    why_not = plan.difference(wish, content.glance(machine, node))
    if why_not:
        raise BlockstoreError(f"sfdisk wrote another table to {node} than was asked for: {why_not}")
    return found


def _unclaimed(machine: Machine, node: str) -> None:
    """Raise `Refused` where a process has the disk for itself (open(2), O_EXCL), which sysfs does not show.

    mkfs looks for itself; sfdisk does so only where it also tells the kernel.
    """
    try:
        os.close(os.open(machine.paths.dev / Path(node).name, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise Refused(f"refusing to write to {node}: another process has it open for itself", hint="end that use first") from None


def _reread(machine: Machine, node: str) -> bool | None:
    descriptor = os.open(machine.paths.dev / Path(node).name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, BLKRRPART)
    except OSError as error:
        if error.errno == errno.EBUSY:  # somebody (a scanner, udev before our lock) has it open for a moment
            return None
        raise BlockstoreError(f"the kernel did not read the partition table of {node}: {error.strerror}") from None
    finally:
        os.close(descriptor)
    return True


def _complete(machine: Machine, node: str, count: int) -> tuple[Partition, ...] | None:
    found = content.partitions(machine, node)
    there = [(machine.paths.dev / Path(each.node).name).exists() for each in found]
    return found if len(found) == count and all(there) else None
