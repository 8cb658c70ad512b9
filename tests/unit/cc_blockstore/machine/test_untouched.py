"""A disk that nobody ever wrote to: when no program need look at it. The target is a sparse file, asked through SG_IO."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable

import pytest

from blockstore.size import GIB, MIB
from cc_blockstore.machine import content, provisioning
from cc_blockstore.machine.untouched import still_untouched, untouched
from tests.unit.fakes import FakeMachine
from tests.unit.thin import ThinDisk

BLKID = ("blkid", "-p", "-o", ..., "/dev/sda")


@pytest.fixture
def thin(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> ThinDisk:
    fake.disk("sda", GIB)
    disk = ThinDisk(fake.root / "dev/sda", GIB)
    monkeypatch.setattr(fcntl, "ioctl", disk.ioctl)
    return disk


def found(fake: FakeMachine, *, whole: bool = True) -> bool:
    return untouched(fake.machine, "/dev/sda", GIB, whole=whole)


def lies(monkeypatch: pytest.MonkeyPatch, stored: Iterable[tuple[int, int]] = ()) -> None:
    """A target that says so whatever it has stored."""
    monkeypatch.setattr(provisioning, "stored", lambda _descriptor, _size: tuple(stored))


def test_no_program_looks_at_what_nobody_wrote_to(fake: FakeMachine, thin: ThinDisk):
    assert found(fake)
    seen = content.probe(fake.machine, "/dev/sda")
    assert (seen.kind, seen.table, seen.data_at, seen.untouched) == ("", "", -1, True)
    assert fake.runner.ran == []


@pytest.mark.parametrize("offset", [0, 510, 300 * MIB, GIB - 512])
def test_whatever_was_stored_is_looked_at_by_blkid(fake: FakeMachine, thin: ThinDisk, offset: int):
    thin.put(offset, b"\0")
    assert not found(fake)
    fake.runner.expect(*BLKID, code=2)
    assert not content.probe(fake.machine, "/dev/sda").untouched


PLACES = {
    "the first byte": 0,
    "ext4": 1024 + 56,
    "btrfs": 64 * 1024 + 64,
    "UFS": 256 * 1024 + 0x55C,
    "the last byte of the first half MiB": MIB // 2 - 1,
    "the second header of LUKS2, the farthest of a small one": MIB // 2,
    "VMFS, a member": MIB,
    "VMFS, bcachefs": 2 * MIB,
    "the second header of LUKS2": 4 * MIB,
    "Promise's RAID": GIB - 3087 * 512,
    "bcachefs, from the end": GIB - MIB + 24,
    "ZFS, from the end": GIB - 512 * 1024,
    "GPT, from the end": GIB - 512,
    "the last byte": GIB - 1,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_target_that_lies_is_caught_where_a_signature_may_be(
    fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch, place: str
):
    lies(monkeypatch)
    assert found(fake)
    thin.put(PLACES[place], b"x")
    assert not found(fake)


def test_a_target_that_tells_only_a_part(fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch):
    thin.put(300 * MIB, b"x")
    monkeypatch.setattr(provisioning, "_MOST", provisioning._HEAD + provisioning._DESCRIPTOR.size)  # one run an answer
    monkeypatch.setattr(provisioning, "ROUNDS", 1)
    assert not found(fake)


@pytest.mark.parametrize("bits", [0x00, 0x40, 0x80], ids=["thick", "not thin", "unwritten blocks read as anything"])
def test_a_target_whose_unwritten_blocks_may_hold_anything(fake: FakeMachine, thin: ThinDisk, bits: int):
    thin.thin = bits
    assert not found(fake)


def test_a_target_that_cannot_tell(fake: FakeMachine, thin: ThinDisk):
    thin.failed = True
    assert not found(fake)
    thin.failed, thin.refuses = False, True
    assert not found(fake)


def test_a_disk_that_cannot_be_read(fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch):
    def fails(_descriptor: int, _length: int, _offset: int) -> bytes:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "pread", fails)
    assert not found(fake)


def test_a_disk_that_ends_too_early(fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch):
    lies(monkeypatch)
    os.truncate(thin.path, GIB - 512)
    assert not found(fake)


def test_a_partition_is_looked_at_by_the_programs(fake: FakeMachine, thin: ThinDisk):
    assert not found(fake, whole=False)


def test_a_disk_that_is_not_there(fake: FakeMachine):
    assert not untouched(fake.machine, "/dev/sdz", GIB, whole=True)


def test_a_small_disk_is_read_whole(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    fake.disk("sda", 4 * MIB)
    disk = ThinDisk(fake.root / "dev/sda", 4 * MIB)
    lies(monkeypatch)
    assert untouched(fake.machine, "/dev/sda", 4 * MIB, whole=True)
    disk.put(2 * MIB - 1, b"x")
    assert not untouched(fake.machine, "/dev/sda", 4 * MIB, whole=True)


def test_the_last_look_is_the_target_s_word(fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch):
    assert found(fake)
    monkeypatch.setattr(os, "pread", None)  # its ends were read a moment ago
    assert still_untouched(fake.machine, "/dev/sda", GIB)
    thin.put(300 * MIB, b"theirs")
    assert not still_untouched(fake.machine, "/dev/sda", GIB)


@pytest.mark.parametrize("what", ["gone", "silent", "broken"])
def test_the_last_look_trusts_nobody_who_cannot_tell(
    fake: FakeMachine, thin: ThinDisk, monkeypatch: pytest.MonkeyPatch, what: str
):
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    thin.refuses = what == "silent"
    if what == "broken":
        monkeypatch.setattr(provisioning, "stored", fails)
    assert not still_untouched(fake.machine, "/dev/sdz" if what == "gone" else "/dev/sda", GIB)
