"""Holding the disk against udev, what is run to clear it, and who else may have it."""

from __future__ import annotations

import fcntl
import os

import pytest

from blockstore.errors import BlockstoreError, Refused
from blockstore.size import GIB, MIB
from blockstore.waiting import Deadline
from cc_blockstore.machine import content, gpt, partition
from cc_blockstore.plan import gpt as plan_gpt
from cc_blockstore.plan import partition as plan
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish
from tests.unit.fakes import FakeMachine

WISH = VolumeWish(Table.GPT, (PartitionWish(512 * MIB, FilesystemWish()), PartitionWish(None, FilesystemWish())))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the kernel is asked."""
    requests: list[int] = []
    monkeypatch.setattr(fcntl, "ioctl", lambda descriptor, request, argument: requests.append(request))
    return requests


def write(fake: FakeMachine) -> tuple[plan_gpt.Gpt, tuple[str, ...]]:
    table = plan.table(WISH, "v1", GIB, 512, again=False)
    for number in (1, 2):
        (fake.root / f"dev/sda{number}").touch()
    gpt.write(fake.machine, "/dev/sda", plan_gpt.rewritten(table))
    found, _ = partition.show(fake.machine, "/dev/sda", table, Deadline.after(10, fake.clock))
    return table, tuple(each.node for each in found)


def test_it_is_written_without_a_process_and_shown_to_the_kernel(fake: FakeMachine, told: list[int]):
    fake.disk("sda", GIB)
    table, nodes = write(fake)
    assert nodes == ("/dev/sda1", "/dev/sda2")
    assert told == [gpt.BLKPG, gpt.BLKPG]
    seen = content.glance(fake.machine, "/dev/sda")
    assert seen.gpt is not None
    assert (seen.gpt.table, seen.gpt.whole) == (table, True)
    assert [each.making for each in seen.partitions] == [True, True]


def test_every_part_is_flushed_before_the_next_one(fake: FakeMachine, told: list[int], monkeypatch: pytest.MonkeyPatch):
    fake.disk("sda", GIB)
    order: list[object] = []
    real_write, real_sync = os.pwrite, os.fsync
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: (order.append(offset), real_write(fd, data, offset))[1])
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("flush"), real_sync(fd))[1])
    write(fake)
    assert order == [GIB - 33 * 512, "flush", 512, "flush", 0, "flush"]


def test_a_partition_that_the_kernel_will_not_give_up_is_an_error(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    def ioctl(descriptor: int, request: int, argument: bytes) -> int:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    fake.disk("sda", GIB)
    fake.partition("sda", 1, MIB, 100 * MIB)
    with pytest.raises(BlockstoreError, match="did not take partition 1 of /dev/sda: it is in use"):
        write(fake)


def test_what_is_cleared_loses_its_partitions_first(fake: FakeMachine, told: list[int]):
    fake.disk("sda", GIB)
    fake.partition("sda", 1, MIB, 100 * MIB)
    fake.runner.expect("wipefs", "--all", "--quiet", "/dev/sda", then=lambda _: told.append(0))
    partition.clear(fake.machine, "/dev/sda")
    assert told == [gpt.BLKPG, 0]


def test_a_disk_that_another_process_has_for_itself(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    fake.disk("sda", MIB)
    partition.unclaimed(fake.machine, "/dev/sda")

    def busy(path: object, flags: int) -> int:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "open", busy)
    with pytest.raises(Refused, match="another process has it open for itself"):
        partition.unclaimed(fake.machine, "/dev/sda")


def test_wipefs_has_the_last_look(fake: FakeMachine):
    look = ("wipefs", "--no-act", "--noheadings", "--output", "TYPE,OFFSET", "/dev/sda")
    fake.runner.expect(*look)
    partition.bare(fake.machine, "/dev/sda")
    fake.runner.expect(*look, stdout="ext4 0x438\ngpt  0x200\n")
    with pytest.raises(Refused, match="found ext4 at 0x438; gpt at 0x200"):
        partition.bare(fake.machine, "/dev/sda")
