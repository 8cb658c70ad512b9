"""Who uses a block device: mounts, swap, holders, and by name the processes that keep a mount point busy."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps


def used_by(machine: Machine, node: str) -> str:
    """What uses this device or a partition of it, in words; "" for nothing."""
    mounted, active = mounts(machine), swaps(machine)
    for device, folder in _parts(machine, node):
        for mount in mounted:
            if mount.device == device:
                return f"the mount {mount.point} ({device})"
        if device in active:
            return f"swap ({device})"
        if held := _holders(device, folder):
            return held
    return ""


def held_by(machine: Machine, node: str) -> str:
    """What has been built on this device or on a partition of it (LVM, RAID, dm-crypt), in words; "" for nothing."""
    return next((held for each in _parts(machine, node) if (held := _holders(*each))), "")


def claimed(machine: Machine, node: str) -> bool:
    """Whether somebody has the disk, or a partition of it, for themselves (open(2), O_EXCL): a program, or a mount that another
    mount namespace has, which sysfs and mountinfo do not show. Raises OSError where it cannot be opened."""
    try:
        os.close(os.open(machine.paths.node(node), os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return True
    return False


def _parts(machine: Machine, node: str) -> Iterator[tuple[str, str]]:
    """The device and its partitions, each with its folder in sysfs."""
    name = os.path.basename(node)
    folder = f"{machine.paths.sys}/class/block/{name}"
    yield f"/dev/{name}", folder
    yield from ((f"/dev/{each}", f"{folder}/{each}") for each in files.names(folder) if each.startswith(name))


def _holders(device: str, folder: str) -> str:
    holders = files.names(f"{folder}/holders")
    return f"{', '.join(holders)} (which holds {device})" if holders else ""


def processes_on(machine: Machine, point: str) -> tuple[str, ...]:
    """The processes with a file, a working folder or a program below a mount point: ``postgres (pid 412)``."""
    try:
        device = os.stat(point).st_dev
    except OSError:
        return ()
    return tuple(
        f"{files.read(process / 'comm')} (pid {process.name})"
        for process in sorted(machine.paths.proc.glob("[0-9]*"), key=lambda each: int(each.name))
        if _is_on(process, device, point)
    )


def _is_on(process: Path, device: int, point: str) -> bool:
    links = [process / "cwd", process / "root", process / "exe"]
    try:
        links += (process / "fd").iterdir()
    except OSError:
        return False  # ended meanwhile, or a kernel thread
    return any(_leads_to(link, device) for link in links) or f" {point}/" in files.read(process / "maps")


def _leads_to(link: Path, device: int) -> bool:
    try:
        return os.stat(link).st_dev == device
    except OSError:
        return False
