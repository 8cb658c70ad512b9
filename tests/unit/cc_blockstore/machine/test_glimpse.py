"""A glimpse: the same as long as nothing happens; of a disk without a table no byte counts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cc_blockstore.machine.glimpse import GPT, boot, glimpse, linked, session
from tests.unit.cc_blockstore.sealed import SIZE, Instance

SESSIONS = {"sda": "session1"}


def test_it_is_the_same_twice_and_after_json(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    first = glimpse(tmp_path, SESSIONS, [str(instance.point)])
    assert json.loads(json.dumps(first)) == glimpse(tmp_path, SESSIONS, [str(instance.point)]) == first


def test_the_mounts_of_others_and_other_disks_do_not_count(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    before = glimpse(tmp_path, SESSIONS, [])
    mounts = tmp_path / "proc/self/mountinfo"
    mounts.write_text(mounts.read_text() + "50 22 0:50 / /run/user/1000 rw - tmpfs tmpfs rw\n")
    partitions = tmp_path / "proc/partitions"
    partitions.write_text(partitions.read_text() + "   8  16  1024 sdb\n")
    assert glimpse(tmp_path, SESSIONS, []) == before
    assert instance.point.exists()


def test_a_file_system_on_the_whole_device_may_be_written_to(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.write("dev/sda", b"a".ljust(SIZE, b"\0"))
    before = glimpse(tmp_path, SESSIONS, [])
    instance.write("dev/sda", b"b".ljust(SIZE, b"\0"))
    assert glimpse(tmp_path, SESSIONS, []) == before


def test_of_a_table_every_byte_counts_and_none_between_its_copies(tmp_path: Path) -> None:
    Instance(tmp_path)
    for sector in (512, 4096):
        table = bytearray(SIZE)
        table[sector : sector + len(GPT)] = GPT
        (tmp_path / "dev/sda").write_bytes(table)
        before = glimpse(tmp_path, SESSIONS, [])
        front, back = 2 * sector + (16 << 10), SIZE - sector - (16 << 10)
        for at, counts in ((0, True), (front - 1, True), (front, False), (back - 1, False), (back, True), (SIZE - 1, True)):
            (tmp_path / "dev/sda").write_bytes(table[:at] + b"x" + table[at + 1 :])
            assert (glimpse(tmp_path, SESSIONS, []) != before) is counts, (sector, at)


def test_a_disk_without_a_serial_has_none(tmp_path: Path) -> None:
    Instance(tmp_path)
    (tmp_path / "sys/class/block/sda/device/vpd_pg80").unlink()
    assert "" in glimpse(tmp_path, SESSIONS, [])["disks"]["sda"]


def test_what_is_not_there_is_no_glimpse(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    with pytest.raises(OSError, match="sdz"):
        glimpse(tmp_path, {"sdz": "session1"}, [])
    with pytest.raises(OSError, match="session9"):
        glimpse(tmp_path, {"sda": "session9"}, [])
    with pytest.raises(OSError, match="gone"):
        glimpse(tmp_path, SESSIONS, [str(instance.point / "gone")])


def test_links_are_all_there_or_not(tmp_path: Path) -> None:
    Instance(tmp_path)
    assert linked(tmp_path, ["v1"])
    assert not linked(tmp_path, ["v1", "v2"])
    shutil.rmtree(tmp_path / "dev/disk/by-blockstore")
    assert not linked(tmp_path, ["v1"])
    assert linked(tmp_path, [])


def test_a_link_that_comes_later_changes_no_glimpse(tmp_path: Path) -> None:
    Instance(tmp_path)
    before = glimpse(tmp_path, SESSIONS, [])
    (tmp_path / "dev/disk/by-blockstore/v1-part1").symlink_to("../../sda1")
    assert glimpse(tmp_path, SESSIONS, []) == before


def test_the_session_of_a_disk(tmp_path: Path) -> None:
    Instance(tmp_path)
    assert session(tmp_path, "sda") == "session1"
    with pytest.raises(OSError, match="sdz"):
        session(tmp_path, "sdz")


def test_the_boot(tmp_path: Path) -> None:
    Instance(tmp_path)
    assert boot(tmp_path) == "boot-1"
