"""All that decides whether the volumes are still as the last run left them, in as few reads as possible and as plain values.

Two equal glimpses of one boot mean that a run would find everything as it found it then, and so decide the same. It imports
nothing but the standard library and `files`: a healthy re-run is to cost less than the start of an interpreter.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cc_blockstore.machine import files

TABLE = 32 << 10  # bytes at each end of a disk that hold a GPT and its copy, whatever the sector size
SECTOR, PAGE = 512, 4096
GPT, GPT_AT = b"EFI PART", (512, 4096)
REMEMBERED = ("volumes", "links", "making", "growing", "overwritten")
_SESSION = re.compile(r"/(session\d+)/")


def glimpse(root: Path, disks: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """``disks``: the names of the disks (``sda``), each with the mount points of its file systems. Comes back as JSON keeps it.
    Raises OSError and ValueError where something of it is not there any more."""
    return {
        "disks": {name: _disk(root, name) for name in disks},
        "points": {point: _point(point) for points in disks.values() for point in points},
        "partitions": [line.split() for line in files.read(root / "proc/partitions").splitlines() if _of(line, disks)],
        "mounts": [line for line in files.read(root / "proc/self/mountinfo").splitlines() if _of_a_device(line)],
        "swaps": [line.split()[0] for line in files.read(root / "proc/swaps").splitlines()[1:]],
        "files": [files.read_exact(root / name) for name in ("etc/fstab", "etc/iscsi/initiatorname.iscsi")],
        "links": _links(root / "dev/disk/by-blockstore"),
        "remembered": [_changed(root / "var/lib/blockstore" / name) for name in REMEMBERED],
    }


def boot(root: Path) -> str:
    """This boot (proc_sys_kernel(5), random/boot_id)."""
    return files.read(root / "proc/sys/kernel/random/boot_id")


def _disk(root: Path, name: str) -> list[Any]:
    """Which session it belongs to and how that is, size, serial, partition table."""
    folder = f"{root}/sys/class/block/{name}"
    place = os.readlink(folder)
    found = _SESSION.search(place)
    session = f"{root}/sys/class/iscsi_session/{found[1] if found else 'none'}"
    size = files.read(f"{folder}/size")
    table = _table(f"{root}/dev/{name}", int(size) * SECTOR)
    return [
        place,
        files.read(f"{session}/targetname"),
        files.read(f"{session}/state"),
        size,
        files.read(f"{folder}/ro"),
        _serial(f"{folder}/device/vpd_pg80"),
        table,
    ]


def _serial(page: str) -> str:
    """VPD page 80h as it is; "" where the disk has none."""
    try:
        descriptor = os.open(page, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return os.read(descriptor, PAGE).hex()
    finally:
        os.close(descriptor)


def _table(node: str, size: int) -> list[int]:
    """Checksums of both copies of a GPT; nothing where there is none: what stands there instead changes with every write."""
    descriptor = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    try:
        front = os.pread(descriptor, TABLE, 0)
        if not any(front[at : at + len(GPT)] == GPT for at in GPT_AT):
            return []
        return [zlib.crc32(front), zlib.crc32(os.pread(descriptor, TABLE, size - TABLE))]
    finally:
        os.close(descriptor)


def _point(point: str) -> list[int]:
    """Device, owner, group and mode of a mounted file system's root folder."""
    found = os.stat(point)
    return [found.st_dev, found.st_uid, found.st_gid, found.st_mode]


def _of(line: str, disks: Iterable[str]) -> bool:
    name = line.rpartition(" ")[2].rstrip("0123456789")
    return name in disks


def _of_a_device(line: str) -> bool:
    return line.rpartition(" - ")[2].split(" ")[1].startswith("/dev/")


def _links(folder: Path) -> dict[str, str]:
    try:
        return {name: os.readlink(folder / name) for name in sorted(os.listdir(folder))}
    except OSError:
        return {}


def _changed(folder: Path) -> int:
    """When a file in it came, went or was replaced."""
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
