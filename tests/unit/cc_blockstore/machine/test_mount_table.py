"""A line of mountinfo is understood once, for as long as it stands there."""

from __future__ import annotations

import os

import pytest

from cc_blockstore.machine import mount_table
from cc_blockstore.machine.mount_table import MountTable, unescaped
from cc_blockstore.machine.mounts import mounts
from tests.unit.fakes import FakeMachine

FIRST = "40 22 8:1 / /srv/a rw - ext4 /dev/root rw"
SECOND = "41 22 0:50 / /srv/b\\040c rw,noatime - btrfs /dev/sdb rw,space_cache"


def test_each_line_asks_sysfs_once(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    asked, readlink = [], os.readlink
    monkeypatch.setattr(mount_table.os, "readlink", lambda path: asked.append(path) or readlink(path))
    fake.disk("sda")
    table = MountTable()
    found = table.read(f"{FIRST}\n{SECOND}", fake.paths.sys)
    assert [(each.device, each.point, each.options) for each in found] == [
        ("/dev/sda", "/srv/a", ("rw", "rw")), ("/dev/sdb", "/srv/b c", ("rw", "noatime", "rw", "space_cache")),
    ]  # fmt: skip
    assert table.read(f"{SECOND}\n{FIRST}", fake.paths.sys) == found[::-1]
    assert len(asked) == 2


def test_a_line_that_went_and_came_back_is_asked_again(fake: FakeMachine):
    """Another disk may have the number by then."""
    fake.disk("sda")
    table = MountTable()
    table.read(FIRST, fake.paths.sys)
    table.read("", fake.paths.sys)
    link = fake.root / "sys/dev/block/8:1"
    link.unlink()
    link.symlink_to("../../class/block/sdz")
    assert table.read(FIRST, fake.paths.sys)[0].device == "/dev/sdz"


def test_the_same_line_twice_is_two_mounts(fake: FakeMachine):
    assert len(MountTable().read(f"{SECOND}\n{SECOND}", fake.paths.sys)) == 2


def test_a_new_mount_is_seen_at_once(fake: FakeMachine):
    before = mounts(fake.machine)
    fake.mounted("/dev/sda", "/srv/data")
    assert [each.point for each in mounts(fake.machine)] == [*(each.point for each in before), "/srv/data"]


def test_octal_is_undone():
    assert unescaped("a\\040b\\134") == "a b\\"
