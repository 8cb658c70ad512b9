"""mount(2) without the program: a process less for each volume, and one event less for systemd, which watches what mount(8)
writes down of its own (/run/mount/utab)."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from cc_blockstore.plan.mount_call import MountCall

# Where mount(8) looks for the helper of a type (util-linux, configure.ac: fs_search_path), which may do more than the kernel.
HELPERS = ("/sbin", "/sbin/fs.d", "/sbin/fs")


def by_kernel(call: MountCall) -> bool:
    """Mount it. False where that is not the whole story, or where the kernel says no: mount(8) then says why."""
    if any(os.path.exists(f"{folder}/mount.{call.type}") for folder in HELPERS):
        return False
    words = [os.fsencode(each) for each in (call.device, call.point, call.type)]
    return load()(*words, call.flags, call.data.encode() or None) == 0


@cache
def load() -> Callable[..., int]:
    """The C library's (mount(2)). ctypes is 20 ms of an emulated guest: who waits for something else before a mount loads it."""
    import ctypes

    mount: Callable[..., int] = ctypes.CDLL(None).mount
    mount.argtypes = (*(ctypes.c_char_p,) * 3, ctypes.c_ulong, ctypes.c_char_p)  # type: ignore[attr-defined]
    return mount
