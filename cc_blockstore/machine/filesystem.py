"""Making and flushing a file system."""

from __future__ import annotations

import os

from blockstore.errors import BlockstoreError
from blockstore.run import Command
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content, device, files, gpt
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.partition import WRITE_SECONDS
from cc_blockstore.plan.content import Partition
from cc_blockstore.wish import FilesystemWish

# udev is told again of a new file system that it has not seen after so many seconds.
PATIENCE = 30.0


def make(machine: Machine, node: str, wish: FilesystemWish, identity: str) -> None:
    """Make the wished file system and flush it to the disk; afterwards its mark may go."""
    _run(machine, wish, FILESYSTEMS[wish.type].make(node, wish.label, identity))
    flush(machine, node)


def make_hidden(machine: Machine, node: str, place: Partition, wish: FilesystemWish, identity: str) -> None:
    """The same in a partition of this disk that the kernel does not show yet, and udev has not heard of. Raises BlockstoreError
    where mkfs cannot."""
    make_at = FILESYSTEMS[wish.type].make_at
    if make_at is None:
        raise BlockstoreError(f"{wish.type} cannot be made before the kernel shows {place.node}")
    with gpt.unwatched(machine, node) as own:
        _run(machine, wish, make_at(own, wish.label, identity, place.start, place.size))
    flush(machine, node)


def _run(machine: Machine, wish: FilesystemWish, argv: tuple[str, ...]) -> None:
    kind = FILESYSTEMS[wish.type]
    settings = files.read(machine.paths.etc / kind.settings) if kind.settings else ""
    machine.run(Command(kind.tuned(argv, settings)), timeout=WRITE_SECONDS)


def flush(machine: Machine, node: str) -> None:
    """Write out what the page cache still holds of the device, and its own cache (fsync(2) on a block device)."""
    descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle(machine: Machine, node: str, uuid: str, deadline: Deadline) -> None:
    """Wait until udev has seen the new file system: what is made and not mounted is found by its links alone.

    This is also the look after the deed: what udev's own probe reads from the disk must be what was made. Without udev
    (a container, a rescue system) there is nobody to wait for. Where it is silent for long, its event is asked for again: what
    it puts off while a disk is held it drops after three minutes.
    """
    if not (machine.paths.root / "run/udev/control").exists():
        return
    seen: list[str] = [""]
    again = [machine.clock.monotonic() + PATIENCE]

    def look() -> bool | None:
        if again and machine.clock.monotonic() > again[0]:
            again.clear()
            device.refresh_one(machine, node)
        seen[0] = content.udev_properties(machine, node).get("ID_FS_UUID", "")
        return seen[0].lower() == uuid.lower() or None

    # By the time that it is one's turn it is mostly there.
    with machine.turn:
        wait_for(f"udev to see the new file system on {node}", look, deadline, describe=lambda: f"UUID {seen[0] or '(none)'}")
