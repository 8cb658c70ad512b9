"""A mount namespace of one's own: what a worker mounts nobody else sees, and nothing is left of it when the worker ends."""

from __future__ import annotations

import ctypes
import os

from tests.crash.scenario import PLACE
from tests.loop.disk import run

CLONE_NEWNS = 0x00020000  # linux/sched.h


def enter() -> None:
    """Leave the machine's mount namespace, for this process and its children, and have a place to mount at."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "-o", "size=16m", "crash", str(PLACE))
