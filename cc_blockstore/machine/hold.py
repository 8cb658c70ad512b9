"""Keeping udev away from a disk while it is changed (systemd, "Locking Block Device Access": a BSD lock on the whole disk).

Without it udev, woken by the close of a written device, has the table read again, and the partitions vanish under mkfs for a
moment. While udev itself works on the disk it holds the lock shared, so what it then knows is complete.
"""

from __future__ import annotations

import contextlib
import errno
import os
from types import TracebackType

from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import device, lock
from cc_blockstore.machine.machine import Machine

# udev looks at a disk that is held again and again, and after three minutes drops what it put off (systemd, udev-manager.c).
PATIENCE = 150.0
# The kernel shows a disk and its node a moment before it lets anybody open it (block/genhd.c, device_add_disk: device_add, and
# later bdev_add). Of a disk that is offline it says the same for ever.
READY = 5.0


class Hold:
    """The disk's lock, from the moment that its node is there: whoever is first need not wait for udev's first look at it.

    ``first``: whether udev had not seen the disk by then. Its events are still to come, and will find what is made meanwhile.
    ``shared``: udev was first and is looking at it; other writers are kept away all the same.
    In a `with` block; `wait` must have returned before anything is written that udev could disturb.
    """

    def __init__(self, machine: Machine, node: str) -> None:
        self._machine, self._node, self._since = machine, node, machine.clock.monotonic()
        self._descriptor = _opened(machine, node)
        self._taken = lock.taken(self._descriptor)
        self.shared = self._taken is None and lock.shared(self._descriptor)
        self.first = bool(self._taken) and not device.seen_by_udev(machine, node)

    def wait(self, deadline: Deadline) -> None:
        """Until the lock is ours alone. Raises `DeadlineExceeded`."""
        if not self._taken:
            self._taken = wait_for(f"udev to be done with {self._node}", lambda: lock.taken(self._descriptor), deadline)
            self.shared = False

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """Give it back; of what udev may have dropped by now it is told again. A second end does nothing."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        if self._machine.clock.monotonic() - self._since > PATIENCE:
            with contextlib.suppress(OSError):
                device.refresh_all(self._machine, self._node)


def _opened(machine: Machine, node: str) -> int:
    path, ready = machine.paths.node(node), Deadline.after(READY, machine.clock)

    def attempt() -> int | None:
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return None

    return wait_for(f"the kernel to let {node} be opened", attempt, ready)
