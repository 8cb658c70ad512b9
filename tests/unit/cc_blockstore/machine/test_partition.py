"""Writing a table: the script on standard input, the kernel told, and what it then has compared with the wish."""

from __future__ import annotations

import errno
import fcntl

import pytest

from blockstore.errors import BlockstoreError, DeadlineExceeded
from blockstore.size import GIB, MIB
from blockstore.waiting import Deadline
from cc_blockstore.machine import lock, partition
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish
from tests.unit.fakes import FakeMachine

WISH = VolumeWish(Table.GPT, (PartitionWish(512 * MIB, FilesystemWish()), PartitionWish(None, FilesystemWish())))
SFDISK = ("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", "/dev/sda")


def write(fake: FakeMachine, first: int, monkeypatch, failures: list[int]) -> int:
    fake.disk("sda", GIB)
    told: list[int] = []

    def ioctl(descriptor: int, request: int) -> int:
        told.append(request)
        if failures:
            raise OSError(failures.pop(), "told no")
        fake.partition("sda", 1, MIB, first)
        fake.partition("sda", 2, MIB + first, 256 * MIB)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    fake.runner.expect(*SFDISK)
    found = partition.write(fake.machine, "/dev/sda", WISH, Deadline.after(10, fake.clock))
    assert [each.node for each in found] == ["/dev/sda1", "/dev/sda2"]
    assert fake.runner.ran[0].input.startswith("label: gpt\nsize=512MiB")
    assert set(told) == {0x125F}
    return len(told)


def test_it_is_written_and_read_again(fake: FakeMachine, monkeypatch):
    assert write(fake, 512 * MIB, monkeypatch, []) == 1


def test_a_scanner_that_has_it_open_is_waited_for(fake: FakeMachine, monkeypatch):
    assert write(fake, 512 * MIB, monkeypatch, [errno.EBUSY, errno.EBUSY]) == 3


def test_another_table_than_asked_for_is_an_error_with_both_numbers(fake: FakeMachine, monkeypatch):
    with pytest.raises(BlockstoreError, match="found 256 MiB, wished 512 MiB"):
        write(fake, 256 * MIB, monkeypatch, [])


def test_a_kernel_that_will_not_is_an_error(fake: FakeMachine, monkeypatch):
    with pytest.raises(BlockstoreError, match="told no"):
        write(fake, 512 * MIB, monkeypatch, [errno.EINVAL])


def test_the_disk_is_held_against_udev(fake: FakeMachine):
    fake.disk("sda", MIB)
    with partition.held(fake.machine, "/dev/sda", Deadline.after(1, fake.clock)):
        with (fake.root / "dev/sda").open() as other:
            assert lock.taken(other.fileno()) is None
        with pytest.raises(DeadlineExceeded), partition.held(fake.machine, "/dev/sda", Deadline.after(1, fake.clock)):
            pytest.fail("two hold it")
    with (fake.root / "dev/sda").open() as other:
        assert lock.taken(other.fileno())
