"""The proof itself is proven: it sees what a disk does, and it fails where the next run is wrong."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import broken, gpt, log
from tests.crash.__main__ import by_scenario, failures, good, summary
from tests.crash.campaign import Options, Tried, campaign
from tests.crash.disk import LoggedDisk, logged
from tests.crash.judge import CONVERGED, LOST, STUCK
from tests.crash.log import Flush, Mark, Write
from tests.crash.scenario import Run
from tests.crash.scenarios import SCENARIOS
from tests.files.real import images
from tests.loop.disk import run, sparse

FEW = Options(sample=25)


@pytest.fixture
def noted(able: None) -> Iterator[LoggedDisk]:
    with images() as folder:
        for name in ("root/etc", "root/var", "store"):
            (folder / name).mkdir(parents=True)
        sparse(folder / "store/disk", 16 << 20)
        with logged(folder / "store", folder / "root") as disk:
            yield disk
        assert not os.path.ismount(folder / "store/mount")


def test_the_disk_writes_down_what_happens_to_it(noted: LoggedDisk) -> None:
    noted.disk.attach()
    noted.mark("before")
    with open(noted.disk.node, "r+b", buffering=0) as device:
        device.write(b"x" * 4096)
        os.fsync(device.fileno())
        run("blkdiscard", "--zeroout", "--offset", "1MiB", "--length", "1MiB", noted.disk.node)
        device.seek(8192)
        device.write(b"y" * 4096)
        os.fsync(device.fileno())
    noted.mark("after")
    entries = log.without_repeated_flushes(log.read(noted.store))
    begin, end = entries.index(Mark("before")), entries.index(Mark("after"))
    assert [each for each in entries[begin + 1 : end] if not isinstance(each, Mark)] == [
        Write(0, 4096, b"x" * 4096), Flush(), Write(1 << 20, 1 << 20), Write(8192, 4096, b"y" * 4096), Flush(),
    ]  # fmt: skip
    assert (noted.store / "disk").read_bytes()[:12288] == b"x" * 4096 + bytes(4096) + b"y" * 4096


def test_the_instance_s_files_stand_between_the_writes(noted: LoggedDisk) -> None:
    noted.disk.attach()
    (noted.store.parent / "root/var/mark").touch()
    with open(noted.disk.node, "r+b", buffering=0) as device:
        device.write(b"x" * 4096)
        os.fsync(device.fileno())
    entries = log.read(noted.store)
    told = next(number for number, each in enumerate(entries) if each == Mark("tree", "1 0"))
    assert told < next(number for number, each in enumerate(entries) if isinstance(each, Write))


def tried(next_run: Run, options: Options = FEW) -> list[Tried]:
    return campaign([dataclasses.replace(SCENARIOS["none-ext4"], next_run=next_run)], options, jobs=1)


def test_a_run_that_formats_user_data_has_lost_it(able: None) -> None:
    found = tried(broken.formats_anew)
    assert {each.kind for each in found} == {CONVERGED, LOST}
    assert {each.kind for each in found[-3:]} == {LOST}  # the last moments: a user's file is there
    assert "mkfs.ext4 was started over user data" in found[-1].reason
    assert not good(found)


def test_a_mark_that_was_not_durably_removed_is_found_out(able: None) -> None:
    """The recorded run is the wrong one here: the mark is back after the power cut, over a file system in use."""
    wrong = dataclasses.replace(SCENARIOS["none-vfat"], run=broken.removes_carelessly)
    found = campaign([wrong], Options(), jobs=1)
    assert {each.kind for each in found if not each.state.endswith(".old")} == {CONVERGED}
    assert {each.kind for each in found if each.state.endswith(".old")} & {STUCK, LOST}


@pytest.mark.parametrize(("next_run", "reason"), [(broken.refuses, "another"), (broken.raises, "planted")])
def test_a_run_that_does_not_converge_is_counted(next_run: Run, reason: str, able: None, tmp_path: Path) -> None:
    found = tried(next_run, Options(sample=3, keep=tmp_path))
    assert [each.kind for each in found] == [STUCK] * 3
    assert all(reason in each.reason for each in found)
    assert not good(found)
    assert summary(found) == "crash states: 3 tried, 0 converged, 0 lost"
    assert reason in failures(found)[0]
    assert all(Path(each.image).stat().st_size == SCENARIOS["none-ext4"].size for each in found)
    again = tried(next_run, Options(sample=3, keep=tmp_path))  # the recording that was kept is used again
    assert [(each.id, each.kind) for each in again] == [(each.id, each.kind) for each in found]


def test_what_is_said_at_the_end() -> None:
    right = Tried("gpt1-ext4", "5.prefix", 5, "mkfs.ext4, write", CONVERGED)
    wrong = dataclasses.replace(right, kind=LOST, reason="gone")
    assert summary([right, right, wrong]) == "crash states: 3 tried, 2 converged, 1 lost"
    assert (good([right]), good([right, wrong]), good([])) == (True, False, False)
    assert by_scenario([right, wrong]).row_count == 1
    assert failures([right]) == []


@pytest.mark.parametrize(("at", "kernel"), [(None, True), (0, False), (512, False), (1024, False), (-512, True), (-1024, True)])
def test_a_broken_table_is_told(at: int | None, kernel: bool, tmp_path: Path) -> None:
    """A byte of the protective MBR's end, of a header, of an entry, in either copy."""
    disk = sparse(tmp_path / "disk", 16 << 20)
    run("sfdisk", "--quiet", str(disk.file), text='label: gpt\nname="blockstore-1"\n')
    data = bytearray(disk.file.read_bytes())
    if at is not None:
        place = {0: 511, 1024: 1024 + 56, -1024: -512 - 128 * 128 + 56}.get(at, at + 16)
        data[place] ^= 1

    def read(begin: int, size: int) -> bytes:
        return bytes(data[begin : begin + size])

    assert gpt.kernel_reads(read, 512) == kernel
    assert bool(gpt.faults(read, disk.size, 512, 1)) == (at is not None)
    assert gpt.faults(read, disk.size, 512, 2)
