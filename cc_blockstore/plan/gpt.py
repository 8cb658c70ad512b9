"""The GUID partition table as bytes (UEFI specification 2.10, section 5.3), in an order of writing that survives a power cut.

sfdisk writes both copies without a flush between them, so a cut may leave neither. Here each write is one of `Write`, and
between two of them the disk is flushed: a new table begins with the copy at the end, and the protective MBR, one sector, comes
last: before it nobody sees a table, after it both copies are whole. A changed table always has one whole copy.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Collection, Sequence

from blockstore.values import dataclass, replace

SIGNATURE, REVISION = b"EFI PART", 0x00010000
# Table 5.5 of the specification: up to the CRC of the entries.
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")
# The least array that the specification allows, and what every tool writes.
ENTRIES, ARRAY = 128, 128 * ENTRY.size
ALIGNMENT = 1 << 20
MAKING = "blockstore-making-"
MADE = "blockstore-"
# A record of the MBR: flag, CHS of its begin, type, CHS of its end, first sector, sectors (section 5.2.1).
_RECORD, _RECORDS, PROTECTIVE = struct.Struct("<B3sB3sII"), range(446, 510, 16), 0xEE
# Of everything that is derived from a volume's id.
_NAMESPACE = uuid.UUID("6f0c8a54-6f4a-5d0e-9c52-1d3a2f7be0a1")


@dataclass(frozen=True)
class Entry:
    """One partition: ``first`` and ``last`` are its sectors, both within it; GUIDs in capitals."""

    number: int
    type: str
    guid: str
    first: int
    last: int
    name: str
    attributes: int = 0


@dataclass(frozen=True)
class Gpt:
    """One table. ``sector`` is the size of a logical sector in bytes, ``sectors`` how many the disk had when it was written."""

    guid: str
    sector: int
    sectors: int
    entries: tuple[Entry, ...]

    @property
    def array(self) -> int:
        """Sectors of the array of entries."""
        return -(-ARRAY // self.sector)

    @property
    def first_usable(self) -> int:
        """The first sector behind the copy at the front."""
        return 2 + self.array

    @property
    def last_usable(self) -> int:
        """The last sector before the copy at the end."""
        return self.sectors - 2 - self.array


@dataclass(frozen=True)
class Write:
    """Bytes for an offset; whoever writes them flushes the disk afterwards, before the next one."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Copies:
    """What a disk holds: each copy as far as it is whole. ``protected``: there is a protective MBR, so that the world sees it."""

    front: Gpt | None
    back: Gpt | None
    protected: bool

    @property
    def table(self) -> Gpt | None:
        """The one that counts; the kernel too takes the copy at the end only where that at the front is damaged."""
        return (self.front or self.back) if self.protected else None

    @property
    def whole(self) -> bool:
        """Whether both copies are there and say the same."""
        return self.protected and self.front is not None and self.front == self.back


def derived(volume_id: str, *words: object) -> uuid.UUID:
    """An identity that follows from the volume's id: so the next run, on whatever machine, knows as its own what was begun."""
    return uuid.uuid5(_NAMESPACE, "/".join((volume_id, *map(str, words))))


def guid(identity: uuid.UUID) -> str:
    """As blkid and sfdisk print it."""
    return str(identity).upper()


def making(entry: Entry) -> bool:
    """Whether its file system is in the making."""
    return entry.name.startswith(MAKING)


def made(table: Gpt) -> Gpt:
    """The same table without any mark."""
    entries = (replace(each, name=each.name.replace(MAKING, MADE, 1)) if making(each) else each for each in table.entries)
    return replace(table, entries=tuple(entries))


def marked(table: Gpt, numbers: Collection[int]) -> Gpt:
    """The same table with these partitions in the making."""
    entries = (replace(each, name=f"{MAKING}{each.number}") if each.number in numbers else each for each in table.entries)
    return replace(table, entries=tuple(entries))


def rewritten(table: Gpt) -> tuple[Write, ...]:
    """A table on a disk that has none, or another one: the copy at the end, the copy at the front, the protective MBR."""
    return (*_copies(table), _protection(table))


def enlarged(found: Copies, table: Gpt, mbr: bytes) -> tuple[Write, ...]:
    """A table that follows its disk. ``found`` is what was there: the only whole copy is not the first to be written. ``mbr`` is
    the disk's first sector as it is: boot code may stand there."""
    copies = _copies(table) if found.front is not None else _copies(table)[::-1]
    return (*copies, *_protecting(table, mbr))


def renamed(table: Gpt) -> tuple[Write, ...]:
    """A table of which only names have changed."""
    return _copies(table)


def mended(found: Copies) -> tuple[Write, ...]:
    """The damaged copy made from the whole one; the whole one is not touched."""
    if found.front is not None:
        return _copies(found.front)[:1]
    return _copies(found.back)[1:] if found.back is not None else ()


def _copies(table: Gpt) -> tuple[Write, Write]:
    """That at the end, that at the front."""
    array = _array(table)
    return _back(table, array), _front(table, array)


def _front(table: Gpt, array: bytes) -> Write:
    header = _header(table, 1, table.sectors - 1, 2, array)
    return Write(table.sector, header + _padded(array, table.sector))


def _back(table: Gpt, array: bytes) -> Write:
    last = table.sectors - 1
    header = _header(table, last, 1, last - table.array, array)
    return Write((last - table.array) * table.sector, _padded(array, table.sector) + header)


def _array(table: Gpt) -> bytes:
    slots = {each.number: each for each in table.entries}
    used = b"".join(
        _entry(slots[number]) if number in slots else bytes(ENTRY.size) for number in range(1, max(slots, default=0) + 1)
    )
    return used.ljust(ENTRIES * ENTRY.size, b"\0")


def _entry(entry: Entry) -> bytes:
    return ENTRY.pack(
        uuid.UUID(entry.type).bytes_le, uuid.UUID(entry.guid).bytes_le, entry.first, entry.last, entry.attributes,
        entry.name.encode("utf-16-le"),
    )  # fmt: skip


def _header(table: Gpt, here: int, other: int, array_at: int, array: bytes) -> bytes:
    def packed(crc: int) -> bytes:
        return HEADER.pack(
            SIGNATURE, REVISION, HEADER.size, crc, 0, here, other, table.first_usable, table.last_usable,
            uuid.UUID(table.guid).bytes_le, array_at, ENTRIES, ENTRY.size, zlib.crc32(array),
        )  # fmt: skip

    return _padded(packed(zlib.crc32(packed(0))), table.sector)


def _padded(data: bytes, sector: int) -> bytes:
    return data + bytes(-len(data) % sector)


def _protection(table: Gpt) -> Write:
    """The protective MBR (section 5.2.3): one partition of type 0xEE over the whole disk."""
    record = _RECORD.pack(0, b"\0\2\0", PROTECTIVE, b"\xff\xff\xff", 1, _protected_size(table))
    return Write(0, _padded(bytes(446) + record + bytes(48) + b"\x55\xaa", table.sector))


def _protecting(table: Gpt, mbr: bytes) -> tuple[Write, ...]:
    """The same first sector, but for the size in the protective record. None where that is right already, or where the record is
    not alone: a hybrid MBR is what somebody made of it."""
    used = [at for at in _RECORDS if any(mbr[at : at + _RECORD.size])]
    if len(used) != 1 or _RECORD.unpack_from(mbr, used[0])[2] != PROTECTIVE:
        return ()
    at = used[0] + _RECORD.size - 4
    changed = mbr[:at] + struct.pack("<I", _protected_size(table)) + mbr[at + 4 :]
    return (Write(0, changed),) if changed != mbr else ()


def _protected_size(table: Gpt) -> int:
    return min(table.sectors - 1, 0xFFFFFFFF)


def read(front: bytes, back: bytes, sector: int, sectors: int) -> Copies:
    """What the first and the last sectors of a disk say: ``front`` begins at the disk's begin, ``back`` ends at its end.

    A copy counts as whole where its checksums are right and it stands in its own place. The copy at the end of a disk that
    has grown stands no longer there.
    """
    protected = front[510:512] == b"\x55\xaa" and PROTECTIVE in (front[at + 4] for at in _RECORDS)
    first = _parsed(front[sector : 2 * sector], front, 0, 1, sector)
    last = _parsed(back[-sector:], back, sectors * sector - len(back), sectors - 1, sector)
    return Copies(first, last, protected)


def _parsed(header: bytes, area: bytes, area_at: int, here: int, sector: int) -> Gpt | None:
    if len(header) < HEADER.size:
        return None
    signature, _, size, crc, _, mine, other, _, _, disk, array_at, count, step, array_crc = HEADER.unpack_from(header)
    if signature != SIGNATURE or mine != here or (count, step) != (ENTRIES, ENTRY.size) or not HEADER.size <= size <= sector:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:size]) != crc:
        return None
    begin = array_at * sector - area_at
    array = area[begin : begin + ARRAY] if begin >= 0 else b""
    if len(array) != ARRAY or zlib.crc32(array) != array_crc:
        return None
    return Gpt(guid(uuid.UUID(bytes_le=disk)), sector, max(mine, other) + 1, tuple(_entries(array)))


def _entries(array: bytes) -> list[Entry]:
    found = []
    for number in range(1, ENTRIES + 1):
        kind, own, first, last, attributes, name = ENTRY.unpack_from(array, (number - 1) * ENTRY.size)
        if any(kind):
            text = name.decode("utf-16-le", "replace").split("\0")[0]
            kind, own = (guid(uuid.UUID(bytes_le=each)) for each in (kind, own))
            found.append(Entry(number, kind, own, first, last, text, attributes))
    return found


def begun(area: bytes, sector: int, volume_id: str, owners: Sequence[str]) -> bool:
    """Whether every sector of this area (from behind the MBR to the first usable sector, or the end of the disk) is zero or
    one that we wrote for this volume, so that all of it is a table whose writing was cut short.

    ``owners`` are the GUIDs that a table of ours may have.
    """
    return all(
        not any(piece) or _header_of(piece, owners) or _entries_of(piece, volume_id)
        for piece in (area[offset : offset + sector] for offset in range(0, len(area), sector))
    )


def _header_of(piece: bytes, owners: Sequence[str]) -> bool:
    fields = HEADER.unpack_from(piece)
    return fields[0] == SIGNATURE and guid(uuid.UUID(bytes_le=fields[9])) in owners and not any(piece[HEADER.size :])


def _entries_of(piece: bytes, volume_id: str) -> bool:
    own = {derived(volume_id, "partition", number).bytes_le for number in range(1, ENTRIES + 1)}
    slots = (piece[offset : offset + ENTRY.size] for offset in range(0, len(piece), ENTRY.size))
    return all(not any(slot) or slot[16:32] in own for slot in slots)
