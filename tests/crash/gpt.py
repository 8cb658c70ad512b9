"""A GUID partition table read strictly (UEFI specification, chapter 5): both copies, every checksum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
HEADER = struct.Struct("<8s4sIIIQQQQ16sQIII")


@dataclass(frozen=True)
class Copy:
    """One of the two: where it says that it and the other one are, and the digest of what both must have in common."""

    here: int
    other: int
    common: tuple[bytes, int, int, bytes]
    used: int


def copy(read: Read, at: int, sector: int) -> Copy | None:
    """The copy whose header is in this sector; None where it is not valid."""
    raw = read(at * sector, sector)
    signature, _, length, checksum, _, here, other, first, last, guid, table, count, each, digest = HEADER.unpack_from(raw)
    if signature != b"EFI PART" or not HEADER.size <= length <= sector or here != at or count * each > 1 << 20:
        return None
    if zlib.crc32(raw[:16] + bytes(4) + raw[20:length]) != checksum:
        return None
    entries = read(table * sector, count * each)
    if zlib.crc32(entries) != digest:
        return None
    used = sum(any(entries[start : start + 16]) for start in range(0, count * each, each))
    return Copy(here, other, (guid, first, last, entries), used)


def kernel_reads(read: Read, sector: int) -> bool:
    """Whether the kernel shows partitions: block/partitions/efi.c wants the protective MBR and the first copy, and asks the
    second one only where the command line says so."""
    mbr = read(0, 512)
    protective = mbr[510:512] == b"\x55\xaa" and any(mbr[446 + 16 * number + 4] == 0xEE for number in range(4))
    return protective and copy(read, 1, sector) is not None


def faults(read: Read, size: int, sector: int, count: int) -> str:
    """What is wrong with the table of a disk that should have this many partitions; "" for nothing."""
    last = size // sector - 1
    first_copy, second_copy = copy(read, 1, sector), copy(read, last, sector)
    if first_copy is None or second_copy is None:
        return f"the {'first' if first_copy is None else 'second'} copy of the GPT is not valid"
    if (first_copy.other, second_copy.other, first_copy.common) != (last, 1, second_copy.common):
        return "the two copies of the GPT differ"
    if not kernel_reads(read, sector):
        return "no protective MBR"
    return "" if first_copy.used == count else f"the GPT has {first_copy.used} partitions instead of {count}"
