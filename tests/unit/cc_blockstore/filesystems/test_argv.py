"""The very argv of each mkfs: nothing forced, no discard, the label where there is one."""

from __future__ import annotations

import re
import uuid

import pytest

from cc_blockstore.filesystems import FILESYSTEMS

ARGV = {
    "ext4": "mkfs.ext4 -q -E nodiscard -U ID -L data /dev/sda1",
    "xfs": "mkfs.xfs -q -K -m uuid=ID -L data /dev/sda1",
    "btrfs": "mkfs.btrfs -q -K -U ID -L data /dev/sda1",
    "vfat": "mkfs.vfat -i ID -n data /dev/sda1",
    "swap": "mkswap -U ID -L data /dev/sda1",
}


def test_each_is_here():
    assert list(FILESYSTEMS) == list(ARGV)


@pytest.mark.parametrize(("name", "argv"), ARGV.items())
def test_argv(name, argv):
    make = FILESYSTEMS[name].make
    assert " ".join(make("/dev/sda1", "data", "ID")) == argv
    assert " ".join(make("/dev/sda1", "", "ID")) == re.sub(r" -[Ln] data", "", argv)
    assert not {"-F", "-f", "-I", "--force"} & set(make("/dev/sda1", "data", "ID"))


def test_ext4_at_an_offset_of_the_disk():
    make_at = FILESYSTEMS["ext4"].make_at
    assert make_at is not None
    expected = "mkfs.ext4 -q -E nodiscard,offset=1048576 -U ID -L data /dev/x 2048k"
    assert " ".join(make_at("/dev/x", "data", "ID", 1 << 20, 2 << 20)) == expected


def test_ext4_has_a_small_orphan_file_where_its_mkfs_makes_one():
    ext4 = FILESYSTEMS["ext4"]
    argv = ext4.make("/dev/sda1", "data", "ID")
    assert ext4.tuned(argv, "ext4 = {\n features = has_journal,extent\n}\n") == argv
    expected = "mkfs.ext4 -q -E nodiscard,orphan_file_size=64k -U ID -L data /dev/sda1"
    assert " ".join(ext4.tuned(argv, "ext4 = {\n features = has_journal,orphan_file\n}\n")) == expected


@pytest.mark.parametrize("name", ARGV)
def test_the_longest_label(name):
    kind = FILESYSTEMS[name]
    assert kind.label_fault("x" * kind.label_bytes) is None
    assert f"at most {kind.label_bytes} bytes" in str(kind.label_fault("x" * (kind.label_bytes + 1)))


@pytest.mark.parametrize("name", ARGV)
def test_identities_are_in_blkid_s_form(name):
    first, second = (FILESYSTEMS[name].identity(uuid.uuid5(uuid.NAMESPACE_URL, each)) for each in ("a", "b"))
    assert first != second
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}" if name == "vfat" else r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first)
