"""Mounting and unmounting, swap on and off, owner and mode of a mount point."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from blockstore.errors import BlockstoreError, CommandFailed, Refused
from blockstore.run import Command
from blockstore.waiting import Deadline
from cc_blockstore.machine import fstab
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.machine.usage import processes_on
from cc_blockstore.plan import mount as plan
from cc_blockstore.plan.decision import Keep
from cc_blockstore.wish import FilesystemWish


def do(machine: Machine, wish: FilesystemWish, node: str, *, read_only: bool, deadline: Deadline) -> None:
    """Mount the file system where it is wished, or switch the swap on. Raises `CommandFailed`."""
    try:
        machine.run(_command(machine, wish, node, read_only=read_only), timeout=deadline.remaining() + 10)
    except CommandFailed:
        # After a reboot systemd mounts the same line of fstab at the same time; whoever is second finds it done.
        if not isinstance(plan.decide(wish, node, mounts(machine), swaps(machine)), Keep):
            raise


def _command(machine: Machine, wish: FilesystemWish, node: str, *, read_only: bool) -> Command:
    if wish.type == "swap":
        return Command(("swapon", node))
    Path(wish.mount).mkdir(parents=True, exist_ok=True)
    if fstab.loaded(machine, wish.mount):
        # systemd knows the line since the boot and may be about to mount it: a second job of the same unit is merged.
        return Command(("systemctl", "start", plan.unit_name(wish.mount)))
    options = ",".join((*plan.mount_options(wish, read_only=read_only), "_netdev"))
    return Command(("mount", "-t", wish.type, "-o", options, node, wish.mount))


def own(wish: FilesystemWish) -> bool:
    """Give the root folder of the mounted file system its wished owner and mode; nothing below it is touched. True if changed."""
    found = os.stat(wish.mount)
    user, group = _ids(wish.owner)
    changed = False
    if (user not in (-1, found.st_uid)) or (group not in (-1, found.st_gid)):
        os.chown(wish.mount, user, group)
        changed = True
    if wish.mode is not None and stat.S_IMODE(found.st_mode) != wish.mode:
        os.chmod(wish.mount, wish.mode)
        changed = True
    return changed


def _ids(owner: str) -> tuple[int, int]:
    if not owner:
        return -1, -1
    user, _, group = owner.partition(":")
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        group_id = entry.pw_gid
        if group:
            group_id = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise BlockstoreError(
            f"owner {owner!r}: no such user or group here", hint="create it in 'users:' or in the image"
        ) from None
    return entry.pw_uid, group_id


def release(machine: Machine, node: str) -> bool:
    """Unmount this device everywhere and switch its swap off; True where there was something. Raises `Refused`, naming the
    processes that keep it busy; nothing is forced and nothing is detached lazily."""
    changed = False
    for mounted in reversed([each for each in mounts(machine) if each.device == node]):
        try:
            machine.run(Command(("umount", mounted.point)), timeout=60)
        except CommandFailed as error:
            busy = processes_on(machine, mounted.point)
            who = f"in use by {', '.join(busy)}" if busy else str(error)
            raise Refused(f"refusing to detach: {mounted.point} is {who}", hint="end these, then run it again") from None
        changed = True
    if node in swaps(machine):
        machine.run(Command(("swapoff", node)), timeout=300)
        changed = True
    return changed
