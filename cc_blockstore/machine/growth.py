"""How much of its device a file system has, where it is mounted."""

from __future__ import annotations

import os
import struct

from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.growth import Place
from cc_blockstore.wish import FilesystemWish


def see(machine: Machine, wish: FilesystemWish, node: str, *, read_only: bool) -> Content:
    """The device's size and the file system's; its ``extent`` is None where it cannot be told."""
    seen = Content(node, content.size_of(machine, node), kind=wish.type, read_only=read_only)
    kind = FILESYSTEMS.get(wish.type)
    if kind is None:
        return seen
    try:
        found = os.statvfs(wish.mount) if wish.mount and place(machine, wish, node) is Place.MOUNTED else None
        total = found.f_blocks * found.f_frsize if found else None
        extent = kind.extent(content.reader(machine, node), total)
    except (OSError, struct.error, IndexError, StopIteration):
        return seen
    return Content(node, seen.size, kind=wish.type, read_only=read_only, extent=extent)


def place(machine: Machine, wish: FilesystemWish, node: str) -> Place:
    """Where the file system is: in its wished place, active as swap, or neither."""
    there = [each.device for each in mounts(machine) if wish.mount and each.point == wish.mount]
    return Place.MOUNTED if node in there[-1:] or (wish.type == "swap" and node in swaps(machine)) else Place.NOWHERE
