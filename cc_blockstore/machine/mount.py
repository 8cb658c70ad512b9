"""Mounting and unmounting, swap on and off, owner and mode of a mount point."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Collection
from pathlib import Path

from blockstore.errors import BlockstoreError, CommandFailed, Refused
from blockstore.run import Command
from blockstore.waiting import Deadline
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content, fstab
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.machine.usage import processes_on
from cc_blockstore.plan import mount as plan
from cc_blockstore.plan.decision import Keep
from cc_blockstore.plan.mount_call import mount_call
from cc_blockstore.wish import FilesystemWish


def do(machine: Machine, wish: FilesystemWish, node: str, volume_id: str, *, read_only: bool, deadline: Deadline) -> None:
    """Mount the file system where it is wished, after it was unmounted where it was before, or switch the swap on. Raises
    `CommandFailed`, and `Refused` where the old place is busy."""
    # Not from where it is wished: systemd may have mounted it there since this was decided.
    for former in [each.point for each in mounts(machine) if wish.mount and each.device == node and each.point != wish.mount]:
        _unmount(machine, former)
    command = _command(machine, wish, node, volume_id, read_only=read_only)
    if _by_kernel(machine, command):
        return
    try:
        machine.run(command, timeout=deadline.remaining() + 10)
    except CommandFailed:
        # After a reboot systemd mounts the same line of fstab at the same time; whoever is second finds it done.
        if isinstance(plan.decide(wish, node, mounts(machine), swaps(machine)), Keep):
            return
        # Two clones that are mounted at the same moment: the second one sees its twin only now.
        if not (wish.mount and FILESYSTEMS[wish.type].twin_options and twin(machine, wish, node) is plan.Twin.BEARABLE):
            raise
        machine.run(_command(machine, wish, node, volume_id, read_only=read_only), timeout=deadline.remaining() + 10)


def _command(machine: Machine, wish: FilesystemWish, node: str, volume_id: str, *, read_only: bool) -> Command:
    if wish.type == "swap":
        return Command(("swapon", node))
    Path(wish.mount).mkdir(parents=True, exist_ok=True)
    beside_twin = FILESYSTEMS[wish.type].twin_options if twin(machine, wish, node) is plan.Twin.BEARABLE else ()
    if fstab.loaded(machine, wish.mount, volume_id) and not beside_twin:
        # systemd knows the line since the boot and may be about to mount it: a second job of the same unit is merged.
        return Command(("systemctl", "start", plan.unit_name(wish.mount)))
    options = ",".join((*plan.mount_options(wish, read_only=read_only), *beside_twin, "_netdev"))
    return Command(("mount", "-t", wish.type, "-o", options, node, wish.mount))


def _by_kernel(machine: Machine, command: Command) -> bool:
    """Do what this mount(8) would do, without the process, where that is one plain call. False where it was not done."""
    program, *words = command.argv
    if program != "mount":
        return False
    _, kind, _, options, node, point = words
    call = mount_call(node, point, kind, options.split(","))
    return call is not None and machine.mount(call)


def twin(machine: Machine, wish: FilesystemWish, node: str) -> plan.Twin:
    """Whether a mounted file system has this one's identity: that of a clone of the volume."""
    kind = FILESYSTEMS.get(wish.type)
    if kind is None or kind.twin_at is None:
        return plan.Twin.NONE
    others = [each.device for each in mounts(machine) if each.type == wish.type and each.device != node]
    mine = _identity(machine, node, kind.twin_at) if others else b""
    if not mine or all(_identity(machine, other, kind.twin_at) != mine for other in others):
        return plan.Twin.NONE
    return plan.Twin.BEARABLE if _kernel() >= kind.twin_kernel else plan.Twin.CONFUSED


def _identity(machine: Machine, node: str, offset: int) -> bytes:
    try:
        return content.reader(machine, node)(offset, 16)
    except OSError:
        return b""


def _kernel() -> tuple[int, int]:
    major, minor, *_ = (*os.uname().release.split("."), "0")
    return int(major), int("".join(each for each in minor if each.isdigit()) or 0)


def besides(machine: Machine, wish: FilesystemWish) -> tuple[str, ...]:
    """The options that let a clone be mounted, where the mounted one has them: the next boot needs them too."""
    kind = FILESYSTEMS.get(wish.type)
    if kind is None or not kind.twin_options:
        return ()
    options = [option for each in mounts(machine) if each.point == wish.mount for option in each.options]
    return tuple(option for option in kind.twin_options if option in options)


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


def release(machine: Machine, nodes: Collection[str]) -> bool:
    """Unmount these devices everywhere, what was mounted last first (it may lie below another), and switch their swap off; True
    where there was something. Raises `Refused`, naming the processes that keep one busy; nothing is forced and nothing is
    detached lazily."""
    mounted = [each.point for each in mounts(machine) if each.device in nodes]
    for point in reversed(mounted):
        _unmount(machine, point)
    active = [each for each in swaps(machine) if each in nodes]
    for node in active:
        machine.run(Command(("swapoff", node)), timeout=300)
    return bool(mounted or active)


def _unmount(machine: Machine, point: str) -> None:
    try:
        machine.run(Command(("umount", point)), timeout=60)
    except CommandFailed as error:
        busy = processes_on(machine, point)
        who = f"in use by {', '.join(busy)}" if busy else str(error)
        raise Refused(f"refusing to unmount {point}: {who}", hint="end these, then run it again") from None
