"""All that decides whether the volumes are still as the last run left them, in as few reads as possible and as plain values.

Two equal glimpses of one boot mean that a run would find everything as it found it then, and so decide the same. What it sees
stands in docs/reuse-rules.md. It imports nothing but the standard library and `files`, and names files by texts: a healthy
re-run is to cost less than the start of an interpreter.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from cc_blockstore.machine import files

ENTRIES = 16 << 10  # bytes of the 128 entries that every tool writes; those of a longer table are in the header's checksum
GPT, SECTORS = b"EFI PART", (512, 4096)
LARGEST = 2 * SECTORS[-1] + ENTRIES
PAGE = 4096  # what a file of sysfs holds at most
LINKS = "dev/disk/by-blockstore"
STATE = 1  # of a disk in a glimpse


def glimpse(root: Path, sessions: Mapping[str, str], points: Iterable[str]) -> dict[str, Any]:
    """``sessions``: the disks (``sda``), each with the name of its session; ``points``: where their file systems are mounted.
    Comes back as JSON keeps it. Raises OSError where something of it is not there any more."""
    partitions, mounts = files.read(f"{root}/proc/partitions"), files.read(f"{root}/proc/self/mountinfo")
    return {
        "disks": {name: _disk(str(root), name, session) for name, session in sessions.items()},
        "points": {point: _point(point) for point in points},
        "partitions": [line.split() for line in partitions.splitlines() if _of(line, sessions)],
        "mounts": [line for line in mounts.splitlines() if " - " in line and " /dev/" in line.rpartition(" - ")[2]],
        "swaps": [line.partition(" ")[0] for line in files.read(f"{root}/proc/swaps").splitlines()[1:]],
        "fstab": files.read_exact(root / "etc/fstab"),
    }


def session(root: Path, disk: str) -> str:
    """The name of the session that a disk belongs to (``session7``). Raises OSError and ValueError where it has none."""
    for part in os.readlink(f"{root}/sys/class/block/{disk}").split("/"):
        if part.startswith("session"):
            return part
    raise ValueError(f"{disk} belongs to no session")


def boot(root: Path) -> str:
    """This boot (proc_sys_kernel(5), random/boot_id)."""
    return files.read(f"{root}/proc/sys/kernel/random/boot_id")


def _disk(root: str, name: str, session: str) -> list[Any]:
    """Which disk it is, how its session is, whether it is read-only, serial, partition table.

    The number of its folder is of this disk alone for as long as the kernel runs, and with the disk go session and target.
    """
    folder = f"{root}/sys/class/block/{name}"
    return [
        os.stat(folder).st_ino,
        _small(f"{root}/sys/class/iscsi_session/{session}/state").decode(),
        _small(f"{folder}/ro").decode(),
        _serial(f"{folder}/device/vpd_pg80"),
        _table(f"{root}/dev/{name}"),
    ]


def _serial(page: str) -> str:
    """VPD page 80h as it is; "" where the disk has none."""
    try:
        return _small(page).hex()
    except FileNotFoundError:
        return ""


def _small(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, PAGE)
    finally:
        os.close(descriptor)


def _table(node: str) -> list[int]:
    """The size, and checksums of both copies of a GPT; nothing where there is none: what stands there instead changes with every
    write. As long as a partition is in use the kernel keeps what was read once, so that no target is asked."""
    descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        front = os.pread(descriptor, LARGEST, 0)
        for sector in SECTORS:
            if front.startswith(GPT, sector):
                size, copy = os.lseek(descriptor, 0, os.SEEK_END), sector + ENTRIES
                return [size, zlib.crc32(front[: sector + copy]), zlib.crc32(os.pread(descriptor, copy, size - copy))]
        return []
    finally:
        os.close(descriptor)


def _point(point: str) -> list[int]:
    """Which folder it is, behind all links, and owner, group and mode of a mounted file system's root."""
    found = os.stat(point)
    return [found.st_dev, found.st_ino, found.st_uid, found.st_gid, found.st_mode]


def _of(line: str, disks: Container[str]) -> bool:
    return line.rpartition(" ")[2].rstrip("0123456789") in disks


def linked(root: Path, names: Iterable[str]) -> bool:
    """Whether udev has made all of these links. No part of a glimpse: they may still be to come when one is kept."""
    try:
        return set(names).issubset(os.listdir(f"{root}/{LINKS}"))
    except OSError:
        return not list(names)
