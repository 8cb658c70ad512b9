"""What is a worker's own: a mount namespace, so that what it mounts nobody else sees, and an end at which it undoes the rest."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path

from tests.crash.scenario import PLACE
from tests.loop.disk import run

CLONE_NEWNS = 0x00020000  # linux/sched.h
BLKID = Path("/run/blkid")
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def enter() -> None:
    """Leave the machine's mount namespace, for this process and its children, and have a place to mount at."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "size=16m", "crash", str(PLACE))
    BLKID.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=1m", "crash", str(BLKID))


def boot() -> None:
    """What a machine forgets when it is off: libblkid believes for two seconds that a device is what it was, whatever is behind
    it now, and mkfs.btrfs asks it whether a UUID is in use."""
    for file in BLKID.iterdir():
        file.unlink()


def end_with_parent() -> None:
    """Be interrupted, once, by ^C, by SIGTERM, and by the parent's death: a second one would interrupt the undoing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _interrupt(number: int, frame: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt
