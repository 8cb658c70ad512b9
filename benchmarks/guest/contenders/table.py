"""A GPT with one partition over the whole disk (UEFI specification, chapter 5), written and shown to the kernel at once."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import stat
import struct
import time
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

SECTOR, ALIGNMENT, ARRAY = 512, 2048, 32
LINUX_DATA = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4").bytes_le
BLKPG, ADD = 0x1269, 1
_PARTITION = struct.Struct("=qqi64s64s4x")
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")


@contextlib.contextmanager
def written(name: str) -> Iterator[str]:
    """Give the disk its table; the partition's node. Until the end of the block udev is locked out: it would read the table
    again, under mkfs."""
    descriptor = os.open(f"/dev/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        sectors = os.lseek(descriptor, 0, os.SEEK_END) // SECTOR
        first, last = ALIGNMENT, (sectors - ARRAY - 1) // ALIGNMENT * ALIGNMENT - 1
        _write(name, _parts(sectors, first, last))
        _show(descriptor, first, last)
        partition = f"/dev/{name}1"
        while not Path(partition).exists():
            time.sleep(0.001)
        yield partition
    finally:
        os.close(descriptor)


def _write(name: str, parts: list[tuple[int, bytes]]) -> None:
    """Through a node of its own, which udev does not watch: one event less."""
    own = f"/dev/.floor-{name}"
    os.mknod(own, 0o600 | stat.S_IFBLK, os.stat(f"/dev/{name}").st_rdev)
    descriptor = os.open(own, os.O_WRONLY | os.O_CLOEXEC)
    os.unlink(own)
    for offset, data in parts:
        os.pwrite(descriptor, data, offset * SECTOR)
    os.close(descriptor)


def _parts(sectors: int, first: int, last: int) -> list[tuple[int, bytes]]:
    """Sector and content of the protective MBR and both copies."""
    disk, own = uuid.uuid4().bytes_le, uuid.uuid4().bytes_le
    array = (LINUX_DATA + own + struct.pack("<QQQ", first, last, 0)).ljust(ARRAY * SECTOR, b"\0")
    mbr = bytearray(SECTOR)
    mbr[446:462] = struct.pack("<8BII", 0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, min(sectors - 1, 0xFFFFFFFF))
    mbr[510:] = b"\x55\xaa"
    front = _header(1, sectors - 1, sectors, disk, 2, array)
    back = _header(sectors - 1, 1, sectors, disk, sectors - 1 - ARRAY, array)
    return [(0, bytes(mbr) + front + array), (sectors - 1 - ARRAY, array + back)]


def _header(here: int, other: int, sectors: int, disk: bytes, entries: int, array: bytes) -> bytes:
    usable = (2 + ARRAY, sectors - ARRAY - 2)
    fields = [b"EFI PART", 0x10000, 92, 0, 0, here, other, *usable, disk, entries, 128, 128, zlib.crc32(array)]
    fields[3] = zlib.crc32(_HEADER.pack(*fields))
    return _HEADER.pack(*fields).ljust(SECTOR, b"\0")


def _show(descriptor: int, first: int, last: int) -> None:
    """BLKPG_ADD_PARTITION (linux/blkpg.h): no process, and no second look of the kernel at the whole table."""
    start, size = first * SECTOR, (last - first + 1) * SECTOR
    body = ctypes.create_string_buffer(_PARTITION.pack(start, size, 1, b"", b""))
    fcntl.ioctl(descriptor, BLKPG, struct.pack("@iiiP", ADD, 0, _PARTITION.size, ctypes.addressof(body)))
