"""One run at a time: the boot, `cloud-init single` and the command never work on the same volumes together."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine.machine import Machine


@contextlib.contextmanager
def exclusive(machine: Machine, deadline: Deadline) -> Iterator[None]:
    """Hold the lock; the kernel gives it back when the process ends, however it ends. Raises `DeadlineExceeded`."""
    machine.paths.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(machine.paths.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        wait_for("another run of blockstore to end", lambda: taken(descriptor), deadline)
        yield
    finally:
        os.close(descriptor)


def taken(descriptor: int) -> bool | None:
    """Take the BSD lock of an open file; None where somebody else has it."""
    return _flock(descriptor, fcntl.LOCK_EX) or None


def shared(descriptor: int) -> bool:
    """Take it together with others who share it. False where somebody has it alone."""
    return _flock(descriptor, fcntl.LOCK_SH)


def _flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
