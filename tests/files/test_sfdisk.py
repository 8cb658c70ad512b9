"""The partition script: what the real sfdisk makes of it is exactly what was wished."""

from __future__ import annotations

from typing import Any

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.size import MIB
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.filesystems.filesystem import LINUX_DATA
from cc_blockstore.plan import partition as plan
from cc_blockstore.plan.content import Content, Partition
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.wish import VolumeWish
from tests.files.conftest import Disk
from tests.files.real import SECTOR, File, real
from tests.files.wishes import wished

SWAP, BASIC = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"


def write(file: File, wish: VolumeWish) -> Content:
    """As `machine.partition.write` calls it; back comes what the kernel would then show."""
    argv = ("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", file.node)
    real(*argv, text=plan.script(wish))
    found = [
        Partition(number, f"/dev/disk{number}", each["start"] * SECTOR, each["size"] * SECTOR)
        for number, each in enumerate(file.table()["partitions"], 1)
    ]
    return Content("/dev/disk", file.size, "", table="gpt", partitions=tuple(found))


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


def test_the_script() -> None:
    assert plan.script(parts(("20GiB", "ext4"), ("rest", "swap"))) == (
        "label: gpt\n"
        f'size=20480MiB, type={LINUX_DATA}, name="blockstore-1"\n'
        f'type={SWAP}, name="blockstore-2"\n'
    )  # fmt: skip
