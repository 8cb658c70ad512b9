"""Making a file system."""

from __future__ import annotations

from blockstore.run import Command
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.partition import WRITE_SECONDS
from cc_blockstore.wish import FilesystemWish


def make(machine: Machine, node: str, wish: FilesystemWish) -> str:
    """Make the wished file system and return its UUID, which is chosen here so that nobody has to ask for it afterwards."""
    kind = FILESYSTEMS[wish.type]
    identity = kind.new_identity()
    machine.run(Command(kind.make(node, wish.label, identity)), timeout=WRITE_SECONDS)
    return identity


def settle(machine: Machine, node: str, uuid: str, deadline: Deadline) -> None:
    """Wait until udev has seen the new file system, so that systemd finds its device by UUID.

    This is also the look after the deed: what udev's own probe reads from the disk must be what was made. Without udev
    (a container, a rescue system) there is nobody to wait for.
    """
    if not (machine.paths.root / "run/udev/control").exists():
        return
    seen: list[str] = [""]

    def look() -> bool | None:
        seen[0] = content.udev_properties(machine, node).get("ID_FS_UUID", "")
        return seen[0].lower() == uuid.lower() or None

    wait_for(f"udev to see the new file system on {node}", look, deadline, describe=lambda: f"UUID {seen[0] or '(none)'}")
