"""The partition table that we write: the real sfdisk and blkid read exactly what was wished, both copies, all sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.size import MIB
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.filesystems.filesystem import LINUX_DATA
from cc_blockstore.machine import content, gpt
from cc_blockstore.plan import gpt as plan_gpt
from cc_blockstore.plan import partition as plan
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.wish import VolumeWish
from tests.files.conftest import Disk
from tests.files.real import SECTOR, File, real
from tests.files.wishes import wished

SWAP, BASIC = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
BOOT_CODE = b"BOOTCODE" * 55
VOLUME = "9b1f2c3d-0000-4000-8000-0000000000aa"


def write(file: File, wish: VolumeWish) -> Content:
    """A first use's table with all its file systems made; back comes what a glance then sees."""
    table = plan_gpt.made(plan.table(wish, VOLUME, file.size, SECTOR, again=False))
    gpt.write(file.machine, "/dev/disk", plan_gpt.rewritten(table))
    return content.glance(file.machine, "/dev/disk")


def parts(*sizes_and_types: tuple[str, str]) -> VolumeWish:
    return wished(partitions=[{"size": size, "filesystem": kind} for size, kind in sizes_and_types])


# Disk, wish, and of each partition: size in MiB (None: at least that of the file system), type.
ROWS: list[tuple[int, VolumeWish, list[tuple[int | None, str]]]] = [
    (64 * MIB, wished(), [(None, LINUX_DATA)]),
    (64 * MIB, parts(("20MiB", "ext4"), ("rest", "xfs")), [(20, LINUX_DATA), (None, LINUX_DATA)]),
    (64 * MIB, parts(("20MiB", "ext4"), ("10MiB", "swap")), [(20, LINUX_DATA), (10, SWAP)]),
    (64 * MIB, parts(("1MiB", "swap"), ("1MiB", "vfat"), ("rest", "none")), [(1, SWAP), (1, BASIC), (None, LINUX_DATA)]),
    (64 * MIB, parts(("62MiB", "ext4")), [(62, LINUX_DATA)]),
    (64 * MIB, parts(("31MiB", "ext4"), ("31MiB", "btrfs")), [(31, LINUX_DATA), (31, LINUX_DATA)]),
    (64 * MIB, parts((str(10 * MIB + 1), "ext4"), ("rest", "ext4")), [(10, LINUX_DATA), (None, LINUX_DATA)]),
    (5 * 1024**4, parts(("3TiB", "ext4"), ("rest", "ext4")), [(3 * 1024**2, LINUX_DATA), (None, LINUX_DATA)]),
    (64 * MIB + SECTOR, parts(("62MiB", "ext4")), [(62, LINUX_DATA)]),
]


@pytest.mark.parametrize(("size", "wish", "expected"), ROWS)
def test_what_is_written_is_what_was_wished(
    size: int, wish: VolumeWish, expected: list[tuple[int | None, str]], disk: Disk
) -> None:
    file = disk(size)
    seen = write(file, wish)
    table = file.table()
    assert table["label"] == "gpt"
    assert [each["name"] for each in table["partitions"]] == [f"blockstore-{n}" for n in range(1, len(expected) + 1)]
    assert [each["type"] for each in table["partitions"]] == [kind for _, kind in expected]
    for found, (mebibytes, _) in zip(seen.partitions, expected, strict=True):
        assert found.start % MIB == 0
        assert mebibytes is None or found.size == mebibytes * MIB
    assert plan.difference(wish, seen) is None
    assert file.probe().table == "gpt"
    real("sfdisk", "--verify", "--quiet", file.node)
    assert seen.gpt is not None
    assert seen.gpt.whole


@pytest.mark.parametrize(("size", "wish", "expected"), ROWS[:3])
def test_nothing_but_the_table_is_written(size: int, wish: VolumeWish, expected: object, disk: Disk) -> None:
    file = disk(size)
    write(file, wish)
    assert file.path.read_bytes()[MIB:-MIB] == bytes(size - 2 * MIB)


@pytest.mark.parametrize("kind", sorted(FILESYSTEMS))
def test_the_least_disk_that_is_taken_gives_the_last_partition_enough(kind: str, disk: Disk) -> None:
    """`decide` says yes from the reserved 2 MiB and the file system's smallest size on; the rest that sfdisk then gives
    must not be refused by the next step."""
    wish, smallest = wished(filesystem=kind), FILESYSTEMS[kind].smallest
    size = plan.RESERVED + smallest
    assert isinstance(plan.decide(wish, Content("/dev/sda", size, "", table="", data_at=-1), True), Do)
    refused = plan.decide(wish, Content("/dev/sda", size - SECTOR, "", table="", data_at=-1), True)
    assert isinstance(refused, Refuse)
    assert "needs" in refused.why
    assert write(disk(size), wish).partitions[0].size >= smallest


DIFFERENT: list[tuple[VolumeWish, VolumeWish, tuple[str, ...]]] = [
    (parts(("20MiB", "ext4")), parts(("21MiB", "ext4")), ("partition 1: found 20 MiB, wished 21 MiB",)),
    (parts(("20MiB", "ext4"), ("rest", "xfs")), parts(("20MiB", "ext4")), ("with 2 partitions", "with 1 partition (ext4)")),
    (parts(("20MiB", "ext4")), parts(("20MiB", "ext4"), ("rest", "xfs")), ("with 1 partition", "with 2 partitions (ext4, xfs)")),
]


@pytest.mark.parametrize(("there", "wish", "says"), DIFFERENT)
def test_a_difference_names_both_sides(there: VolumeWish, wish: VolumeWish, says: tuple[str, ...], disk: Disk) -> None:
    why_not = plan.difference(wish, write(disk(64 * MIB), there))
    assert why_not is not None
    assert all(each in why_not for each in says)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"partitions": []}, "volumes.data.partitions: must name at least one partition"),
    ({"partitions": [{"size": "10"}]}, "volumes.data.partitions[0].size: must be at least 1MiB"),
    ({"partitions": [{"size": "much"}]}, "volumes.data.partitions[0].size: 'much' is not a size such as 20GiB"),
    ({"partitions": [{"size": "rest"}, {"size": "1GiB"}]}, "volumes.data.partitions[0].size: only the last partition can"),
    ({"partition_table": "none", "partitions": [{"size": "rest"}]}, "volumes.data.partitions: needs partition_table: gpt"),
    ({"partition_table": "dos"}, "volumes.data.partition_table: "),
]


@pytest.mark.parametrize(("words", "fault"), BAD)
def test_bad_partitions(words: dict[str, Any], fault: str) -> None:
    with pytest.raises(DocumentInvalid) as raised:
        wished(**words)
    assert any(str(each).startswith(fault) for each in raised.value.faults), raised.value


def test_the_copy_at_the_end_is_as_good(disk: Disk) -> None:
    """With the front destroyed (all but the protective MBR), others read the same table from the end."""
    file = disk(64 * MIB)
    write(file, parts(("20MiB", "ext4"), ("rest", "swap")))
    before = file.table()["partitions"]
    file.put(SECTOR, bytes(33 * SECTOR))
    assert file.table()["partitions"] == before
    seen = content.glance(file.machine, "/dev/disk")
    assert seen.gpt is not None
    assert (seen.gpt.front, seen.gpt.whole) == (None, False)
    gpt.write(file.machine, "/dev/disk", plan_gpt.mended(seen.gpt))
    again = content.glance(file.machine, "/dev/disk").gpt
    assert again is not None
    assert again.whole


def test_a_table_of_sfdisk_s_is_read_and_its_partition_grows(disk: Disk) -> None:
    """Nothing of it is lost but what changes: GUIDs, names, attributes and what boots from it stay."""
    file = disk(64 * MIB)
    script = 'label: gpt\nname="theirs", size=20MiB, attrs="RequiredPartition"\nname="grün"\n'
    real("sfdisk", "--quiet", "--no-tell-kernel", file.node, text=script)
    before = file.table()
    file = replace(file, size=96 * MIB)
    with open(file.path, "r+b") as handle:
        handle.write(BOOT_CODE)
        handle.truncate(file.size)
    (file.root / "sys/class/block/disk/size").write_text(f"{file.size // SECTOR}\n")
    seen = content.glance(file.machine, "/dev/disk")
    wish = parts(("20MiB", "ext4"), ("rest", "ext4"))
    assert isinstance(plan.decide(wish, seen, None), Do)
    assert seen.gpt is not None
    assert seen.gpt.table is not None
    mbr = gpt.see(file.machine, "/dev/disk", file.size).front[:SECTOR]
    gpt.write(file.machine, "/dev/disk", plan_gpt.enlarged(seen.gpt, plan.grown(seen.gpt.table, wish, file.size), mbr))
    after = file.table()
    assert after["partitions"][0] == before["partitions"][0]
    assert after["partitions"][1] == {**before["partitions"][1], "size": 74 * MIB // SECTOR}
    assert after["id"] == before["id"]
    with open(file.path, "rb") as handle:
        assert handle.read(440) == BOOT_CODE
    real("sfdisk", "--verify", "--quiet", file.node)


def test_sectors_of_4_kib(disk: Disk) -> None:
    """The array then has four sectors; sfdisk is told of the sector size by no file, so our own reader looks."""
    table = plan.table(parts(("20MiB", "ext4"), ("rest", "swap")), VOLUME, 64 * MIB, 4096, again=False)
    area = bytearray(64 * MIB)
    for each in plan_gpt.rewritten(table):
        assert each.offset % 4096 == len(each.data) % 4096 == 0
        area[each.offset : each.offset + len(each.data)] = each.data
    found = plan_gpt.read(bytes(area[: 6 * 4096]), bytes(area[-5 * 4096 :]), 4096, 64 * MIB // 4096)
    assert found.whole
    assert found.table == table
    assert not any(area[6 * 4096 : -5 * 4096])
