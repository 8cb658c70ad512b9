"""The table as bytes: whatever of a first writing reached the disk is known again, and a changed table has always one copy."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from blockstore.size import MIB
from cc_blockstore.plan import gpt
from cc_blockstore.plan.gpt import Copies, Gpt, Write
from cc_blockstore.plan.partition import disk_guid, grown, table
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish

SIZE = 8 * MIB
WISH = VolumeWish(Table.GPT, (PartitionWish(2 * MIB, FilesystemWish("swap")), PartitionWish(None, FilesystemWish("swap"))))


def written(disk: bytes, writes: list[Write], kept: object = None, sector: int = 512) -> bytes:
    """The disk after these writes; ``kept(offset)`` says which sectors arrived."""
    changed = bytearray(disk)
    for each in writes:
        for at in range(0, len(each.data), sector):
            if kept is None or kept(each.offset + at):  # type: ignore[operator]
                changed[each.offset + at : each.offset + at + sector] = each.data[at : at + sector]
    return bytes(changed)


def read(disk: bytes, sector: int = 512) -> Copies:
    array = gpt.ARRAY // sector
    return gpt.read(disk[: (2 + array) * sector], disk[-(1 + array) * sector :], sector, len(disk) // sector)


def new(sector: int = 512) -> Gpt:
    return table(WISH, "v1", SIZE, sector, again=False)


@pytest.mark.parametrize("sector", [512, 4096])
def test_what_is_written_is_read(sector: int):
    disk = written(bytes(SIZE), list(gpt.rewritten(new(sector))), sector=sector)
    assert read(disk, sector) == Copies(new(sector), new(sector), True)


def begun(disk: bytes, volume: str = "v1") -> bool:
    owners = [disk_guid(volume, again=again) for again in (False, True)]
    return all(gpt.begun(area, 512, volume, owners) for area in (disk[512 : 34 * 512], disk[-33 * 512 :]))


SECTORS = st.frozensets(st.sampled_from([*range(1, 34), *range(SIZE // 512 - 33, SIZE // 512)]))


@examples(st.integers(0, 2), SECTORS)
def test_whatever_of_a_first_writing_arrived_is_a_beginning_or_a_whole_table(parts, arrived):
    """``parts`` are flushed; of the next one any sectors are there."""
    writes = list(gpt.rewritten(new()))
    disk = written(written(bytes(SIZE), writes[:parts]), writes[parts : parts + 1], lambda at: at // 512 in arrived)
    found = read(disk)
    if found.protected:
        assert found.table == new()
    else:
        assert begun(disk)
        assert not begun(disk, "v2") or not any(disk)


def test_what_is_not_ours_is_no_beginning():
    disk = written(bytes(SIZE), list(gpt.rewritten(new()))[:1])
    for at in (512, 600, 2 * 512 + 3, SIZE - 1, SIZE - 33 * 512):
        other = bytearray(disk)
        other[at] ^= 1
        other[at + 1 if at + 1 < SIZE else at - 1] ^= 0x55
        assert not begun(bytes(other)) or at == SIZE - 33 * 512  # within our own slot, whose GUID is still ours
    theirs = replace(new(), guid="9B1F2C3D-0000-4000-8000-0000000000AA")
    assert not begun(written(bytes(SIZE), list(gpt.rewritten(theirs))[:1]))


def changes() -> dict[str, tuple[bytes, Gpt, list[Write]]]:
    """A table that is there, and what it becomes."""
    disk = written(bytes(SIZE), list(gpt.rewritten(new())))
    larger, other = grown(new(), WISH, 2 * SIZE), gpt.made(new())
    damaged = disk[:600] + b"?" + disk[601:]
    return {
        "names": (disk, other, list(gpt.renamed(other))),
        "growth": (disk + bytes(SIZE), larger, list(gpt.enlarged(read(disk + bytes(SIZE)), larger, disk[:512]))),
        "growth, its front copy damaged": (damaged, other, list(gpt.enlarged(read(damaged), other, disk[:512]))),
    }


@pytest.mark.parametrize("name", changes())
@examples(parts=st.integers(0, 2), arrived=st.frozensets(st.integers(0, 32)))
def test_a_changed_table_is_the_old_or_the_new_one_at_every_moment(name, parts, arrived):
    """``parts`` are flushed; of the next one these sectors are there."""
    before, after, writes = changes()[name]
    interrupted = writes[parts : parts + 1]
    disk = written(written(before, writes[:parts]), interrupted, lambda at: (at - interrupted[0].offset) // 512 in arrived)
    found = read(disk)
    assert found.table in (new(), after)
    mended = read(written(disk, list(gpt.mended(found))))
    assert mended.table == found.table


def record(kind: int, first: int, sectors: int) -> bytes:
    return struct.pack("<B3sB3sII", 0x80, b"\0\2\0", kind, b"\xfe\xff\xff", first, sectors)


BOOT_CODE = bytes(range(1, 221)) * 2 + b"\x12\x34\x56\x78\0\0"  # 440 bytes, and the disk's signature
OLD, NEW, MOST = SIZE // 512 - 1, 2 * SIZE // 512 - 1, 0xFFFFFFFF
HYBRID = record(0xEE, 1, 2047) + record(0x83, 2048, 4096)

# The records that are there, and those that should be there when the disk has become twice as large.
FOLLOWED = [
    (record(0xEE, 1, OLD), record(0xEE, 1, NEW)),
    (bytes(48) + record(0xEE, 1, OLD), bytes(48) + record(0xEE, 1, NEW)),
    (record(0xEE, 1, MOST), record(0xEE, 1, NEW)),
    (record(0xEE, 1, NEW), record(0xEE, 1, NEW)),
    (HYBRID, HYBRID),
    (record(0x83, 2048, 4096) + record(0xEE, 1, OLD), record(0x83, 2048, 4096) + record(0xEE, 1, OLD)),
    (record(0x83, 2048, 4096), record(0x83, 2048, 4096)),
]


WHOLE = Copies(new(), new(), True)


def mbr(records: bytes) -> bytes:
    return BOOT_CODE + records.ljust(64, b"\0") + b"\x55\xaa"


@pytest.mark.parametrize(("there", "expected"), FOLLOWED)
def test_of_a_grown_disk_s_first_sector_only_the_protective_record_s_size_changes(there, expected):
    larger = grown(new(), WISH, 2 * SIZE)
    table, first = gpt.enlarged(WHOLE, larger, mbr(there))[:2], gpt.enlarged(WHOLE, larger, mbr(there))[2:]
    assert table == gpt.renamed(larger)
    assert written(mbr(there), list(first)) == mbr(expected)
    assert bool(first) is (there != expected)


def test_all_of_a_large_first_sector_stays():
    larger, behind = grown(new(4096), WISH, 2 * SIZE), b"more" * 896
    last = gpt.enlarged(WHOLE, larger, mbr(record(0xEE, 1, SIZE // 4096 - 1)) + behind)[-1]
    assert last == Write(0, mbr(record(0xEE, 1, 2 * SIZE // 4096 - 1)) + behind)


def test_a_first_sector_that_could_not_be_read_is_not_written():
    assert list(gpt.enlarged(WHOLE, new(), b"")) == list(gpt.renamed(new()))


def test_a_damaged_front_is_mended_from_the_back_and_the_other_way_round():
    disk = written(bytes(SIZE), list(gpt.rewritten(new())))
    for area in (slice(512, 34 * 512), slice(SIZE - 33 * 512, SIZE)):
        broken = bytearray(disk)
        broken[area] = bytes(33 * 512)
        found = read(bytes(broken))
        assert (found.table, found.whole) == (new(), False)
        assert written(bytes(broken), list(gpt.mended(found))) == disk


@examples(st.binary(max_size=34 * 512), st.binary(max_size=33 * 512))
def test_no_bytes_are_too_odd_to_be_read(front, back):
    assert gpt.read(front.ljust(34 * 512, b"\0"), back.rjust(33 * 512, b"\0"), 512, 20000).table is None


def test_marks_come_and_go_by_name():
    assert all(gpt.making(each) for each in new().entries)
    assert not any(gpt.making(each) for each in gpt.made(new()).entries)
    assert [gpt.making(each) for each in gpt.marked(gpt.made(new()), [2]).entries] == [False, True]


def test_identities_follow_from_the_volume_alone():
    assert gpt.derived("v1", "disk") == gpt.derived("v1", "disk")
    assert len({gpt.derived(*words) for words in (("v1", "disk"), ("v2", "disk"), ("v1", "partition", 1))}) == 3
