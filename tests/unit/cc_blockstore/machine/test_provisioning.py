"""What a thin disk's target tells of its holes, asked as the kernel is asked (SG_IO), over a sparse file that is the disk."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

import pytest

from blockstore.size import GIB, MIB
from cc_blockstore.machine import provisioning
from cc_blockstore.machine.content import SAMPLE, first_data
from tests.unit.thin import BLOCK, ThinDisk


@pytest.fixture
def thin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ThinDisk:
    disk = ThinDisk(tmp_path / "disk", GIB)
    monkeypatch.setattr(fcntl, "ioctl", disk.ioctl)
    return disk


def stored(disk: ThinDisk) -> tuple[tuple[int, int], ...] | None:
    descriptor = os.open(disk.path, os.O_RDONLY)
    try:
        return provisioning.stored(descriptor, disk.size)
    finally:
        os.close(descriptor)


def reads(disk: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What is read of it, while it is looked for data."""
    found: list[tuple[int, int]] = []
    whole = os.pread

    def pread(descriptor: int, length: int, offset: int) -> bytes:
        found.append((offset, length))
        return whole(descriptor, length, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", pread)
        first_data(disk.path, disk.size)
    return found


def test_nothing_stored(thin: ThinDisk) -> None:
    assert stored(thin) == ()


def test_every_stored_place_is_told(thin: ThinDisk) -> None:
    for at in (0, 300 * MIB, GIB - 4096):
        thin.put(at, b"x" * 4096)
    assert stored(thin) == ((0, 4096), (300 * MIB, 4096), (GIB - 4096, 4096))


def test_many_places_take_several_answers(thin: ThinDisk) -> None:
    places = [at * 64 * 1024 for at in range(1, 300)]
    for at in places:
        thin.put(at, b"x" * 4096)
    assert stored(thin) == tuple((at, 4096) for at in places)
    assert thin.asked == 3


def test_what_is_too_long_to_tell_counts_as_stored(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "ROUNDS", 1)
    for at in range(1, 300):
        thin.put(at * 64 * 1024, b"x" * 4096)
    found = stored(thin)
    assert found is not None
    assert found[-1][0] + found[-1][1] == GIB
    assert found[-1][1] > 900 * MIB


def test_who_cannot_tell_says_nothing(thin: ThinDisk) -> None:
    thin.refuses = True
    assert stored(thin) is None


def test_a_refused_question_is_no_answer(thin: ThinDisk) -> None:
    thin.failed = True
    assert stored(thin) is None


@pytest.mark.parametrize("flags", [0x00, 0x80, 0x40])
def test_a_disk_whose_holes_may_hold_anything_is_not_believed(thin: ThinDisk, flags: int) -> None:
    thin.thin = flags
    assert stored(thin) is None
    assert thin.asked == 0


def test_a_disk_of_another_size_is_not_believed(thin: ThinDisk) -> None:
    thin.size -= MIB
    assert provisioning.stored(os.open(thin.path, os.O_RDONLY), GIB) is None


RUNS = {
    "a gap": [(0, 8, 1), (16, 8, 1)],
    "backwards": [(0, 8, 1), (0, 8, 1)], "an empty run": [(0, 0, 1)], "another start": [(8, 8, 1)],
}  # fmt: skip


@pytest.mark.parametrize("runs", RUNS.values(), ids=RUNS)
def test_an_answer_that_makes_no_sense_is_no_answer(runs: list[tuple[int, int, int]]) -> None:
    told = b"".join(struct.pack(">QIB3x", *run) for run in runs)
    assert provisioning.stored_areas(lambda _command, _length: struct.pack(">II", 4 + len(told), 0) + told, 24, BLOCK) is None


@pytest.mark.parametrize("answer", [b"", bytes(7), bytes(8), struct.pack(">II", 20, 0) + bytes(9), b"\xff" * 8])
def test_an_answer_that_is_cut_off_is_no_answer(answer: bytes) -> None:
    assert provisioning.stored_areas(lambda _command, _length: answer, 24, BLOCK) is None


def test_an_anchored_block_counts_as_stored() -> None:
    told = struct.pack(">II", 20, 0) + struct.pack(">QIB3x", 0, 24, 2)
    assert provisioning.stored_areas(lambda _command, _length: told, 24, BLOCK) == ((0, 24 * BLOCK),)


def test_an_empty_thin_disk_takes_two_reads(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reads(thin, monkeypatch) == [(0, MIB), (GIB - MIB, MIB)]


def test_a_lone_block_that_samples_would_miss_is_found(thin: ThinDisk) -> None:
    at = MIB + 2 * SAMPLE
    thin.put(at, b"\xff" * SAMPLE)
    assert first_data(thin.path, thin.size) == at
    thin.refuses = True
    assert first_data(thin.path, thin.size) == -1


@pytest.mark.parametrize("length", [BLOCK, SAMPLE, SAMPLE + BLOCK, 2 * SAMPLE, 64 * 1024, MIB - BLOCK, MIB])
def test_a_block_at_the_end_of_what_is_stored_is_found(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    """Zeros that were written, and then data."""
    at = 512 * MIB
    thin.put(at + length - BLOCK, b"\xff" * BLOCK)
    runs = ((0, at, 1), (at, length, 0), (at + length, GIB - at - length, 1))
    monkeypatch.setattr(ThinDisk, "_runs", lambda *_: ((begin // BLOCK, count // BLOCK, away) for begin, count, away in runs))
    assert at <= first_data(thin.path, thin.size) < at + length


def test_of_what_has_no_more_blocks_than_are_sampled_all_are_read(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 512 * MIB
    thin.put(at, bytes(MIB))
    read = {offset + part for offset, length in reads(thin, monkeypatch) for part in range(0, length, BLOCK)}
    assert read >= {*range(at, at + MIB, BLOCK)}


def test_zeros_that_were_written_are_no_data(thin: ThinDisk) -> None:
    thin.put(300 * MIB, bytes(MIB))
    assert stored(thin) == ((300 * MIB, MIB),)
    assert first_data(thin.path, thin.size) == -1


def test_a_full_disk_is_sampled_like_any_other(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThinDisk, "_runs", lambda self, place: iter([(place, self.size // BLOCK - place, 0)]))
    told = reads(thin, monkeypatch)
    thin.refuses = True
    assert told == reads(thin, monkeypatch)
    assert len(told) > 250


def test_of_very_many_places_so_many_are_read(thin: ThinDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(600):
        thin.put(2 * MIB + at * MIB, bytes(4096))
    assert 200 <= len(reads(thin, monkeypatch)) <= 2 + 2 * 256
