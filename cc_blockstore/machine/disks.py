"""Which sessions have a disk by now, by one listing: with many volumes, a look at each that still waits would be most of the
module's work."""

from __future__ import annotations

import os
from pathlib import Path

from cc_blockstore.machine.glimpse import session


class Disks:
    """A memory of where disks belong. Their numbers in sysfs are their own for as long as the kernel runs."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, int], str] = {}

    def sessions(self, root: Path) -> frozenset[str] | None:
        """The sessions (``session7``) with a disk, of the machine below ``root``; None where there is no such listing."""
        try:
            with os.scandir(f"{root}/sys/block") as listed:
                there = [(each.name, each.inode()) for each in listed]
        except OSError:
            return None
        known = self._sessions
        self._sessions = {each: known.get(each) or _session(root, each[0]) for each in there}
        return frozenset(self._sessions.values())


def _session(root: Path, disk: str) -> str:
    """An empty name for a disk of the machine's own, and for one that cannot be read: it is read again at the next look."""
    try:
        return session(root, disk)
    except (OSError, ValueError):
        return ""
