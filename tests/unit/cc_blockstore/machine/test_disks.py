"""Which sessions have a disk: one listing, each disk understood once; and nobody else is looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from cc_blockstore.machine.disks import Disks
from cc_blockstore.protocols import TRANSPORTS
from tests.unit.fakes import FakeMachine

PATHS = [IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.org.openstack:volume-{number}", 1) for number in range(1, 5)]
OF_SESSION = "../devices/platform/host{0}/session{0}/target{0}:0:0/{0}:0:0:1/block/{1}"


def link(root: Path, disk: str, target: str) -> None:
    """As sysfs has it, at both places."""
    for folder in ("sys/block", "sys/class/block"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        new = root / folder / ".new"
        new.symlink_to(target)
        new.rename(root / folder / disk)


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links that are read."""
    read: list[str] = []
    readlink = os.readlink
    monkeypatch.setattr(os, "readlink", lambda path: read.append(os.path.basename(path)) or readlink(path))
    return read


def test_each_disk_of_a_session_is_understood_once(tmp_path: Path, links: list[str]):
    link(tmp_path, "sda", OF_SESSION.format(7, "sda"))
    disks = Disks()
    assert disks.sessions(tmp_path) == disks.sessions(tmp_path) == {"session7"}
    assert links == ["sda"]
    link(tmp_path, "sdb", OF_SESSION.format(8, "sdb"))
    assert disks.sessions(tmp_path) == {"session7", "session8"}
    assert links == ["sda", "sdb"]


def test_what_could_not_be_read_is_read_again(tmp_path: Path):
    link(tmp_path, "vda", "../devices/pci0000:00/0000:00:03.0/virtio0/block/vda")
    link(tmp_path, "sda", OF_SESSION.format(7, "sda"))
    (tmp_path / "sys/class/block/sda").rename(tmp_path / "later")
    disks = Disks()
    assert disks.sessions(tmp_path) == {""}
    (tmp_path / "later").rename(tmp_path / "sys/class/block/sda")
    assert disks.sessions(tmp_path) == {"", "session7"}


def test_a_name_that_another_disk_has_is_read_anew(tmp_path: Path):
    link(tmp_path, "sda", OF_SESSION.format(7, "sda"))
    disks = Disks()
    assert disks.sessions(tmp_path) == {"session7"}
    link(tmp_path, "sda", OF_SESSION.format(9, "sda"))
    assert disks.sessions(tmp_path) == {"session9"}


def test_without_a_listing_nobody_knows(tmp_path: Path):
    assert Disks().sessions(tmp_path) is None


def test_who_has_no_disk_is_not_looked_at(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    iscsi, looked = TRANSPORTS["iscsi"], list[IscsiPath]()
    for number, path in enumerate(PATHS, 1):
        fake.session(path, number)
    link(fake.root, "sda", OF_SESSION.format(3, "sda"))
    device = type(iscsi).device
    monkeypatch.setattr(type(iscsi), "device", lambda self, machine, path: looked.append(path) or device(self, machine, path))
    assert [*iscsi.disks(fake.machine, PATHS)] == []  # its session has one, but it has not the LUN yet
    assert looked == [PATHS[2]]
    fake.lun(fake.root / "sys/class/iscsi_session/session3", "sdz")
    assert [*iscsi.disks(fake.machine, PATHS)] == [PATHS[2]]
