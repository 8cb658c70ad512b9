"""mount(2) without the program: a process less for each volume, and one event less for systemd, which watches what mount(8)
writes down of its own (/run/mount/utab)."""

from __future__ import annotations

import os

from cc_blockstore.plan.mount_call import MountCall

# Where mount(8) looks for the helper of a type (util-linux, configure.ac: fs_search_path), which may do more than the kernel.
HELPERS = ("/sbin", "/sbin/fs.d", "/sbin/fs")


def by_kernel(call: MountCall) -> bool:
    """Mount it. False where that is not the whole story, or where the kernel says no: mount(8) then says why."""
    if any(os.path.exists(f"{folder}/mount.{call.type}") for folder in HELPERS):
        return False
    import ctypes

    kernel = ctypes.CDLL(None, use_errno=True)
    words = [os.fsencode(each) for each in (call.device, call.point, call.type)]
    return bool(kernel.mount(*words, ctypes.c_ulong(call.flags), call.data.encode() or None) == 0)
