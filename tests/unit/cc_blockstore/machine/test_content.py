"""What a device carries: at a glance, closely, and whether it is empty. What could not be told counts as data."""

from __future__ import annotations

import pytest

from blockstore.size import MIB
from cc_blockstore.machine import content
from cc_blockstore.plan.content import Partition
from tests.unit.fakes import FakeMachine

BLKID = ("blkid", "-p", "-o", ..., "/dev/sda")


@pytest.mark.parametrize("offset", [0, 1, MIB - 1, 8 * MIB - 1, 7 * MIB, MIB])
def test_a_byte_of_data_is_found(tmp_path, offset):
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(8 * MIB)
        assert content.first_data(disk, 8 * MIB) == -1
        file.seek(offset)
        file.write(b"x")
    assert content.first_data(disk, 8 * MIB) >= 0


def test_a_device_that_is_shorter_than_told_is_not_empty(tmp_path):
    (tmp_path / "disk").write_bytes(bytes(MIB))
    assert content.first_data(tmp_path / "disk", 2 * MIB) >= 0


def test_a_small_device_is_read_whole(tmp_path):
    (tmp_path / "disk").write_bytes(bytes(2 * MIB - 7) + b"x" + bytes(6))
    assert content.first_data(tmp_path / "disk", 2 * MIB) >= 0


def test_an_empty_device(fake: FakeMachine):
    fake.disk("sda", 8 * MIB)
    fake.runner.expect(*BLKID, code=2)
    seen = content.probe(fake.machine, "/dev/sda")
    assert (seen.kind, seen.table, seen.data_at, seen.size, seen.used_by) == ("", "", -1, 8 * MIB, "")


@pytest.mark.parametrize("code", [8, 1, 4, 127])
def test_what_blkid_cannot_tell_is_unknown_and_not_empty(fake: FakeMachine, code):
    fake.disk("sda", 8 * MIB)
    fake.runner.expect(*BLKID, code=code, stdout="ID_FS_TYPE=ext4\n")
    seen = content.probe(fake.machine, "/dev/sda")
    assert (seen.kind, seen.table, seen.data_at) == (None, None, None)


def test_a_glance_knows_nothing_before_udev_does(fake: FakeMachine):
    fake.disk("sda")
    seen = content.glance(fake.machine, "/dev/sda")
    assert (seen.kind, seen.table, seen.data_at) == (None, None, None)
    assert fake.runner.ran == []


def test_a_glance_at_what_udev_has_seen(fake: FakeMachine):
    fake.disk("sda", 8 * MIB)
    node = fake.partition("sda", 1, MIB, 4 * MIB)
    fake.udev("sda", ID_PART_TABLE_TYPE="gpt")
    fake.udev("sda1", ID_FS_TYPE="ext4", ID_FS_UUID="u", ID_FS_LABEL_ENC="my\\x20data", ID_PART_TABLE_TYPE="gpt")
    whole, part = content.glance(fake.machine, "/dev/sda"), content.glance(fake.machine, node)
    assert (whole.table, whole.kind, whole.partitions) == ("gpt", "", (Partition(1, node, MIB, 4 * MIB),))
    assert (part.table, part.kind, part.uuid, part.label, part.size) == ("", "ext4", "u", "my data", 4 * MIB)


def test_partitions_are_sorted_by_number(fake: FakeMachine):
    fake.disk("sda")
    for number in (10, 2, 1):
        fake.partition("sda", number, number * MIB, MIB)
    assert [each.number for each in content.partitions(fake.machine, "/dev/sda")] == [1, 2, 10]
