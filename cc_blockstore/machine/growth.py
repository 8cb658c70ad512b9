"""How much of its device a file system has, where it is mounted; and letting it have all."""

from __future__ import annotations

import fcntl
import os
import struct

from blockstore.run import Command
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content, making
from cc_blockstore.machine.filesystem import flush
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.machine.partition import WRITE_SECONDS
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


def grow(machine: Machine, volume_id: str, wish: FilesystemWish, node: str) -> None:
    """Let the mounted file system have all of its device. Raises `CommandFailed`; what is on it stays, grown or not."""
    tool = FILESYSTEMS[wish.type].grow
    if tool is None:
        return
    making.begin_growth(machine, volume_id)
    machine.run(Command(tool(node, wish.mount)), timeout=WRITE_SECONDS)
    flush(machine, node)


def confirm(machine: Machine, wish: FilesystemWish, node: str) -> None:
    """Complete what a cut may have left of a growth that counts already. Raises OSError."""
    kind = FILESYSTEMS.get(wish.type)
    if kind is None or kind.confirm_growth is None or place(machine, wish, node) is not Place.MOUNTED:
        return
    found = os.statvfs(wish.mount)
    request, argument = kind.confirm_growth(content.reader(machine, node), found.f_blocks * found.f_frsize)
    descriptor = os.open(wish.mount, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, request, argument)
    finally:
        os.close(descriptor)
    flush(machine, node)
