"""Each file system of the registry: what is refused before, what the real tool makes of our argv, and the argv itself."""

from __future__ import annotations

import uuid

import pytest

from blockstore.errors import DocumentInvalid
from blockstore.size import MIB, format_size
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan import filesystem as plan
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.wish import FilesystemWish
from tests.files.conftest import Disk
from tests.files.real import real
from tests.files.wishes import wished

ALL = sorted(FILESYSTEMS)
ID = "0f6c9d1e-2a3b-4c5d-8e9f-a0b1c2d3e4f5"

# 1. What a document may not say: file system, label, and the fault as a whole.
BAD_LABELS = [
    ("ext4", "x" * 17, f"a ext4 label has at most 16 bytes, {'x' * 17!r} has 17"),
    ("ext4", "ä" * 9, f"a ext4 label has at most 16 bytes, {'ä' * 9!r} has 18"),
    ("xfs", "x" * 13, f"a xfs label has at most 12 bytes, {'x' * 13!r} has 13"),
    ("btrfs", "x" * 255, f"a btrfs label has at most 254 bytes, {'x' * 255!r} has 255"),
    ("swap", "x" * 16, f"a swap label has at most 15 bytes, {'x' * 16!r} has 16"),
    ("vfat", "X" * 12, f"a vfat label has at most 11 bytes, {'X' * 12!r} has 12"),
    ("vfat", "A.B", "a vfat label holds printable ASCII without any of *?.,;:/\\|+=<>[]\", not 'A.B'"),
    ("vfat", "Ä", "a vfat label holds printable ASCII without any of *?.,;:/\\|+=<>[]\", not 'Ä'"),
    ("vfat", "NO NAME", "'NO NAME' stands for a vfat file system without a label"),
    *((each, " x", "must not begin or end with a space") for each in ALL),
    *((each, "x ", "must not begin or end with a space") for each in ALL),
    *((each, "a\nb", "contains a control character") for each in ALL),
]


@pytest.mark.parametrize(("kind", "label", "fault"), BAD_LABELS)
def test_a_label_that_the_tool_would_not_write_as_it_is(kind: str, label: str, fault: str) -> None:
    with pytest.raises(DocumentInvalid) as raised:
        wished(partition_table="none", filesystem=kind, label=label)
    assert [str(each) for each in raised.value.faults] == [f"volumes.data.label: {fault}"]


def test_a_file_system_that_there_is_none_of() -> None:
    with pytest.raises(DocumentInvalid, match=r"volumes\.data\.filesystem: .*ext4"):
        wished(filesystem="ext3")


@pytest.mark.parametrize("kind", ALL)
def test_below_the_smallest_size_it_is_refused_with_both_sizes(kind: str) -> None:
    smallest = FILESYSTEMS[kind].smallest
    seen = Content("/dev/sda", smallest - SECTOR, kind="", table="", data_at=-1)
    found = plan.decide(FilesystemWish(kind), seen, True)
    assert isinstance(found, Refuse)
    assert found.why == f"/dev/sda has {format_size(smallest - SECTOR)}; {kind} needs {format_size(smallest)}"
    assert isinstance(plan.decide(FilesystemWish(kind), Content("/dev/sda", smallest, "", "", "", "", data_at=-1), True), Do)


SECTOR = 512


# 2. The real tool.
@pytest.mark.parametrize("kind", ALL)
def test_the_smallest_size_is_enough_and_what_is_made_is_what_was_chosen(kind: str, disk: Disk) -> None:
    filesystem = FILESYSTEMS[kind]
    file, identity = disk(filesystem.smallest), filesystem.identity(uuid.uuid4())
    real(*filesystem.make(file.node, "DATA", identity))
    assert file.blkid() == {"TYPE": kind, "LABEL": "DATA", "UUID": identity}
    seen = file.probe()
    assert (seen.kind, seen.label, seen.uuid, seen.table) == (kind, "DATA", identity, "")


@pytest.mark.parametrize("kind", ALL)
def test_without_a_label_it_has_none(kind: str, disk: Disk) -> None:
    filesystem = FILESYSTEMS[kind]
    file, identity = disk(filesystem.smallest), filesystem.identity(uuid.uuid4())
    real(*filesystem.make(file.node, "", identity))
    assert file.blkid() == {"TYPE": kind, "UUID": identity}


@pytest.mark.parametrize("kind", ALL)
def test_the_longest_label_is_written_whole(kind: str, disk: Disk) -> None:
    filesystem = FILESYSTEMS[kind]
    file, label = disk(filesystem.smallest), "X" * filesystem.label_bytes
    real(*filesystem.make(file.node, label, filesystem.identity(uuid.uuid4())))
    assert file.blkid()["LABEL"] == file.probe().label == label


ODD = ["a b", "-x", "a'b", "a$b`c", "a;b&c", "a\\b", "a=b", "a#b", "grün", "日本", "a\\x20b", "100%", "a(b)", "~", "*?"]
TAKEN = {each: [label for label in ODD if each != "vfat" or label in ("a b", "-x", "a'b", "a$b`c", "100%", "a(b)", "~")]
         for each in ALL}  # fmt: skip


@pytest.mark.parametrize(("kind", "label"), [(kind, label) for kind in ALL for label in TAKEN[kind]])
def test_odd_labels_are_read_as_they_were_written(kind: str, label: str, disk: Disk) -> None:
    filesystem = FILESYSTEMS[kind]
    wished(partition_table="none", filesystem=kind, label=label)
    file = disk(filesystem.smallest)
    real(*filesystem.make(file.node, label, filesystem.identity(uuid.uuid4())))
    assert file.probe().label == label


@pytest.mark.parametrize("kind", sorted(set(ALL) - {"ext4", "vfat", "swap"}))
def test_the_tool_itself_is_a_second_lock(kind: str, disk: Disk) -> None:
    """None of our argv forces: xfs and btrfs refuse by themselves what carries something."""
    filesystem = FILESYSTEMS[kind]
    file = disk(filesystem.smallest)
    real(*FILESYSTEMS["ext4"].make(file.node, "theirs", ID))
    with pytest.raises(AssertionError, match="ended with 1"):
        real(*filesystem.make(file.node, "", filesystem.identity(uuid.uuid4())))
    assert file.blkid() == {"TYPE": "ext4", "LABEL": "theirs", "UUID": ID}


# 3. The argv.
WITH_LABEL = {
    "ext4": ("mkfs.ext4", "-q", "-E", "nodiscard", "-U", ID, "-L", "data", "/dev/sda1"),
    "xfs": ("mkfs.xfs", "-q", "-K", "-m", f"uuid={ID}", "-L", "data", "/dev/sda1"),
    "btrfs": ("mkfs.btrfs", "-q", "-K", "-U", ID, "-L", "data", "/dev/sda1"),
    "swap": ("mkswap", "-U", ID, "-L", "data", "/dev/sda1"),
    "vfat": ("mkfs.vfat", "-i", "1234ABCD", "-n", "data", "/dev/sda1"),
}


@pytest.mark.parametrize("kind", ALL)
def test_the_argv(kind: str) -> None:
    identity = "1234-ABCD" if kind == "vfat" else ID
    make, expected = FILESYSTEMS[kind].make, WITH_LABEL[kind]
    assert make("/dev/sda1", "data", identity) == expected
    assert make("/dev/sda1", "", identity) == (*expected[:-3], expected[-1])


def test_sizes_are_whole_mebibytes() -> None:
    """Partitions are aligned to whole MiB; a limit in between could not be met exactly."""
    assert all(each.smallest % MIB == 0 for each in FILESYSTEMS.values())


@pytest.mark.parametrize("kind", [each for each in ALL if FILESYSTEMS[each].make_at])
def test_at_an_offset_it_is_as_on_a_device_of_its_own(kind: str, disk: Disk) -> None:
    """Within its bounds, and what is beside it stays as it is."""
    filesystem, offset, size = FILESYSTEMS[kind], 3 * MIB, 64 * MIB
    make_at = filesystem.make_at
    assert make_at is not None
    whole, part = disk(offset + size + 2 * MIB), disk(size)
    with whole.path.open("r+b") as file:
        for place in (0, offset - SECTOR, offset + size, offset + size + 2 * MIB - SECTOR):
            file.seek(place)
            file.write(b"x" * SECTOR)
    before = whole.path.read_bytes()
    real(*make_at(whole.node, "DATA", ID, offset, size))
    after = whole.path.read_bytes()
    assert (after[:offset], after[offset + size :]) == (before[:offset], before[offset + size :])
    part.path.write_bytes(after[offset : offset + size])
    assert part.blkid() == {"TYPE": kind, "LABEL": "DATA", "UUID": ID}
    assert filesystem.extent(lambda place, length: after[offset + place : offset + place + length], None) == size
    if kind == "ext4":
        real("e2fsck", "-f", "-n", str(part.path))
