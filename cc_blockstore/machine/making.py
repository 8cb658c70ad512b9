"""What this instance is in the middle of making on a volume that has no room for a mark, and what it overwrote.

A partition says by its name that its file system is in the making. A file system on the whole device has no such place: mkfs
goes over all of it. So the mark is a file here, written and flushed before mkfs begins, and removed when all that mkfs wrote
is on the disk. It names the serial, so that it counts for that very device.
"""

from __future__ import annotations

import os

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine


def begin(machine: Machine, volume_id: str, serial: str) -> None:
    """From now on, what is on this volume may be half a file system of ours."""
    files.write(_mark(machine, volume_id), f"{serial}\n")


def under_way(machine: Machine, volume_id: str, serial: str) -> bool:
    """Whether it was begun and not ended."""
    return files.read_exact(_mark(machine, volume_id)) == f"{serial}\n"


def end(machine: Machine, volume_id: str) -> None:
    """It is complete and flushed (or not ours to finish any more)."""
    files.remove(_mark(machine, volume_id))


def overwritten(machine: Machine, volume_id: str) -> bool:
    """Whether an `overwrite` was carried out on this volume; it counts once."""
    return os.path.exists(_record(machine, volume_id))


def record_overwriting(machine: Machine, volume_id: str) -> None:
    """It was carried out, and is never again."""
    files.write(_record(machine, volume_id), "")


def begin_growth(machine: Machine, volume_id: str) -> None:
    """From now on a file system of this volume may have grown in part."""
    files.write(_growing(machine, volume_id), "")


def growing(machine: Machine, volume_id: str) -> bool:
    """Whether a growth was begun and not ended."""
    return os.path.exists(_growing(machine, volume_id))


def end_growth(machine: Machine, volume_id: str) -> None:
    """It is complete and flushed."""
    files.remove(_growing(machine, volume_id))


def _growing(machine: Machine, volume_id: str) -> str:
    return f"{machine.paths.state}/growing/{volume_id}"


def _mark(machine: Machine, volume_id: str) -> str:
    return f"{machine.paths.state}/making/{volume_id}"


def _record(machine: Machine, volume_id: str) -> str:
    return f"{machine.paths.state}/overwritten/{volume_id}"
