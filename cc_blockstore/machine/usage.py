"""Who uses a block device: mounts, swap, holders, and by name the processes that keep a mount point busy."""

from __future__ import annotations

import os
from pathlib import Path

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps


def used_by(machine: Machine, node: str) -> str:
    """What uses this device or a partition of it, in words; "" for nothing."""
    name = os.path.basename(node)
    folder = f"{machine.paths.sys}/class/block/{name}"
    mounted, active = mounts(machine), swaps(machine)
    for part in (name, *(each for each in files.names(folder) if each.startswith(name))):
        device = f"/dev/{part}"
        for mount in mounted:
            if mount.device == device:
                return f"the mount {mount.point} ({device})"
        if device in active:
            return f"swap ({device})"
        holders = files.names(f"{folder}/holders" if part == name else f"{folder}/{part}/holders")
        if holders:
            return f"{', '.join(holders)} (which holds {device})"
    return ""


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
