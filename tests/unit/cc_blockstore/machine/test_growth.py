"""How much a file system has: from its superblock, or from statvfs where it is mounted."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest

from blockstore.size import GIB, MIB
from cc_blockstore.machine import growth
from cc_blockstore.plan.growth import Place
from cc_blockstore.wish import FilesystemWish
from tests.unit.fakes import FakeMachine


def xfs(blocks: int, log: int) -> bytes:
    """The first sector: block size, data blocks, where the log is, how long it is."""
    block = bytearray(b"XFSB" + bytes(508))
    struct.pack_into(">IQ", block, 4, 4096, blocks)
    struct.pack_into(">Q", block, 48, 131076)
    struct.pack_into(">I", block, 96, log)
    return bytes(block)


def test_unmounted_from_the_superblock(fake: FakeMachine):
    fake.disk("sda", GIB, xfs(1000, 10))
    seen = growth.see(fake.machine, FilesystemWish("xfs", mount="/srv"), "/dev/sda", read_only=False)
    assert (seen.size, seen.extent) == (GIB, 1000 * 4096)


def test_mounted_from_the_kernel(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """What the disk says may be old; the log does not count as space, and never changes its size."""
    fake.disk("sda", GIB, xfs(1000, 10))
    fake.mounted("/dev/sda", tmp_path, "xfs")
    monkeypatch.setattr(os, "statvfs", lambda point: SimpleNamespace(f_blocks=5000, f_frsize=4096))
    wish = FilesystemWish("xfs", mount=str(tmp_path))
    assert growth.see(fake.machine, wish, "/dev/sda", read_only=False).extent == 5010 * 4096
    assert growth.place(fake.machine, wish, "/dev/sda") is Place.MOUNTED
    fake.mounted("/dev/sdb", tmp_path, "xfs")  # over it
    assert growth.place(fake.machine, wish, "/dev/sda") is Place.NOWHERE


@pytest.mark.parametrize("kind", ["swap", "none", "xfs", "ext4"])
def test_what_cannot_be_told_is_not_guessed(fake: FakeMachine, kind: str):
    fake.disk("sda", 2 * MIB)
    seen = growth.see(fake.machine, FilesystemWish(kind), "/dev/sda", read_only=False)
    assert not seen.extent
