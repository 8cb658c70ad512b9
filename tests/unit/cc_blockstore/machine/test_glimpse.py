"""A glimpse: the same as long as nothing happens; of a disk without a table no byte counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cc_blockstore.machine.glimpse import boot, glimpse
from tests.unit.cc_blockstore.sealed import SIZE, Instance


def test_it_is_the_same_twice_and_after_json(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    disks = {"sda": [str(instance.point)]}
    first = glimpse(tmp_path, disks)
    assert json.loads(json.dumps(first)) == glimpse(tmp_path, disks) == first


def test_the_mounts_of_others_and_other_disks_do_not_count(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    before = glimpse(tmp_path, {"sda": []})
    mounts = tmp_path / "proc/self/mountinfo"
    mounts.write_text(mounts.read_text() + "50 22 0:50 / /run/user/1000 rw - tmpfs tmpfs rw\n")
    partitions = tmp_path / "proc/partitions"
    partitions.write_text(partitions.read_text() + "   8  16  1024 sdb\n")
    assert glimpse(tmp_path, {"sda": []}) == before
    assert instance.point.exists()


def test_a_file_system_on_the_whole_device_may_be_written_to(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    instance.write("dev/sda", b"a".ljust(SIZE, b"\0"))
    before = glimpse(tmp_path, {"sda": []})
    instance.write("dev/sda", b"b".ljust(SIZE, b"\0"))
    assert glimpse(tmp_path, {"sda": []}) == before


def test_what_is_not_there_is_no_glimpse(tmp_path: Path) -> None:
    Instance(tmp_path)
    with pytest.raises(OSError, match="sdz"):
        glimpse(tmp_path, {"sdz": []})


def test_the_boot(tmp_path: Path) -> None:
    Instance(tmp_path)
    assert boot(tmp_path) == "boot-1"
