"""Both ends of a disk, read without a process; and which partitions the kernel is told of."""

from __future__ import annotations

import ctypes
import fcntl
import struct

import pytest

from blockstore.size import GIB, MIB
from cc_blockstore.machine import gpt
from cc_blockstore.plan.content import Partition
from tests.unit.fakes import FakeMachine

A, B = Partition(1, "/dev/sda1", MIB, 100 * MIB), Partition(2, "/dev/sda2", 101 * MIB, 200 * MIB)
LARGER, MOVED = Partition(2, "/dev/sda2", 101 * MIB, 300 * MIB), Partition(2, "/dev/sda2", 111 * MIB, 200 * MIB)

# What the kernel has, what it is to have, and what it is told: operation, number, start, size.
TOLD = [
    ((), (A, B), [(gpt.ADD, 1, MIB, 100 * MIB), (gpt.ADD, 2, 101 * MIB, 200 * MIB)]),
    ((A, B), (A, B), []),
    ((A, B), (A, LARGER), [(gpt.RESIZE, 2, 101 * MIB, 300 * MIB)]),
    ((A, B), (A, MOVED), [(gpt.DELETE, 2, 101 * MIB, 200 * MIB), (gpt.ADD, 2, 111 * MIB, 200 * MIB)]),
    ((A, B), (A,), [(gpt.DELETE, 2, 101 * MIB, 200 * MIB)]),
    ((A,), (A, B), [(gpt.ADD, 2, 101 * MIB, 200 * MIB)]),
    ((A, B), (), [(gpt.DELETE, 1, MIB, 100 * MIB), (gpt.DELETE, 2, 101 * MIB, 200 * MIB)]),
]


@pytest.mark.parametrize(("there", "wanted", "told"), TOLD)
def test_the_kernel_is_told_what_differs_and_nothing_else(fake: FakeMachine, monkeypatch, there, wanted, told):
    fake.disk("sda", GIB)
    heard = []

    def ioctl(descriptor: int, request: int, argument: bytes) -> int:
        assert request == 0x1269
        operation, _, length, address = struct.unpack("@iiiP", argument)
        start, size, number = struct.unpack_from("=qqi", ctypes.string_at(address, length))
        heard.append((operation, number, start, size))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    assert gpt.show(fake.machine, "/dev/sda", wanted, there) is bool(told)
    assert heard == told


def test_nodes_as_the_kernel_names_them():
    assert [gpt.partition_node(node, 3) for node in ("/dev/sda", "/dev/loop7", "/dev/nvme0n1")] == [
        "/dev/sda3", "/dev/loop7p3", "/dev/nvme0n1p3",
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 512, 4096, MIB, 2 * MIB])
def test_a_disk_that_is_small_empty_or_not_there_holds_none(fake: FakeMachine, size):
    fake.disk("sda", size)
    assert gpt.see(fake.machine, "/dev/sda", size).copies.table is None
    assert gpt.see(fake.machine, "/dev/sdz", size).copies.table is None


def test_the_sector_size_is_the_disk_s(fake: FakeMachine):
    fake.disk("sda")
    assert gpt.sector_size(fake.machine, "/dev/sda") == 512
    fake.write("sys/class/block/sda/queue/logical_block_size", "4096\n")
    assert gpt.sector_size(fake.machine, "/dev/sda") == 4096
