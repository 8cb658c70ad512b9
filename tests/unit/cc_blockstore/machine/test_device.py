"""The disk behind a session: found by its LUN, known by its serial; links that cannot leave their folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.attachment import Volume
from blockstore.errors import DeadlineExceeded
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline
from cc_blockstore.machine import device, filesystem, session
from cc_blockstore.plan.device import Device
from tests.unit.fakes import FakeMachine, page_80

PATH = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:volume-1", 1)


def see(fake: FakeMachine, lun: int = 1) -> Device | None:
    found = session.find(fake.machine, PATH)
    assert found is not None
    return device.see(fake.machine, found, IscsiPath(PATH.portal, PATH.iqn, lun))


def test_it_is_found_by_its_lun(fake: FakeMachine):
    folder = fake.session(PATH)
    fake.lun(folder, "sda", 1, 1 << 30, "one")
    fake.lun(folder, "sdb", 11, 2 << 30, "eleven")
    assert see(fake) == Device("/dev/sda", "one", 1 << 30)
    assert see(fake, 11) == Device("/dev/sdb", "eleven", 2 << 30)
    assert see(fake, 2) is None


def test_all_disks_behind_a_session(fake: FakeMachine):
    folder = fake.session(PATH)
    for lun, name in ((1, "sda"), (11, "sdb")):
        fake.lun(folder, name, lun)
    (folder / "device/target1:0:0/1:0:0:0").mkdir()  # a controller, no disk
    fake.lun(fake.session(IscsiPath(PATH.portal, f"{PATH.iqn}1", 1), 2), "sdc")
    found = session.find(fake.machine, PATH)
    assert found is not None
    assert sorted(device.behind(found)) == ["/dev/sda", "/dev/sdb"]


def test_a_disk_alone_is_let_go_of(fake: FakeMachine):
    scsi = fake.lun(fake.session(PATH), "sda")
    (scsi / "delete").touch()
    device.delete(fake.machine, "/dev/sda")
    assert (scsi / "delete").read_text() == "1\n"


def test_it_is_not_there_before_its_node_and_its_size(fake: FakeMachine):
    scsi = fake.lun(fake.session(PATH), "sda", serial="one")
    (fake.root / "dev/sda").unlink()
    assert see(fake) is None
    fake.write("dev/sda", "")
    (scsi / "block/sda/size").write_text("0\n")
    assert see(fake) is None


@pytest.mark.parametrize(("target", "told"), [(None, "- - 11\n"), ("3\n", "- 3 11\n")])
def test_the_host_of_a_session_is_told_to_look_for_one_lun(fake: FakeMachine, target, told):
    """Of an adapter that has all its sessions at one host only this one's target is looked at."""
    fake.session(IscsiPath(PATH.portal, "iqn.2010-10.org.openstack:volume-2", 1), 1)
    folder = fake.session(PATH, 2)
    if target is not None:
        (folder / "target_id").write_text(target)
    found = session.find(fake.machine, PATH)
    assert found is not None
    device.scan(fake.machine, found, IscsiPath(PATH.portal, PATH.iqn, 11))
    assert (fake.scanned(1), fake.scanned(2)) == ("", told)


def test_a_host_that_cannot_be_told_holds_up_nothing(fake: FakeMachine):
    fake.session(PATH)
    (fake.root / "sys/class/scsi_host/host1/scan").unlink()
    found = session.find(fake.machine, PATH)
    assert found is not None
    device.scan(fake.machine, found, PATH)


@pytest.mark.parametrize(
    ("page", "serial"),
    [
        (page_80("6f0a2d64"), "6f0a2d64"),
        (page_80("   6f0a2d64  "), "6f0a2d64"),
        (page_80("abc") + b"rest of the page", "abc"),
        (page_80("abc\0\0"), "abc"),
        (bytes([0, 0x80, 0, 99]) + b"abc", "abc"),
        (page_80(""), ""),
        (b"", ""),
        (b"\0\x80", ""),
        (bytes([0, 0x80, 0, 2]) + b"\xffa", "\ufffda"),
    ],
)
def test_vpd_page_80(tmp_path, page, serial):
    (tmp_path / "vpd_pg80").write_bytes(page)
    assert device.serial(tmp_path) == serial


def test_a_disk_without_that_page_has_none(tmp_path):
    assert device.serial(tmp_path) == ""


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("data", "data"),
        ("a b", "a\\x20b"),
        ("a/b", "a\\x2fb"),
        ("../../sda", "..\\x2f..\\x2fsda"),
        ("..", "\\x2e\\x2e"),
        (".", "\\x2e"),
        ("50%", "50\\x25"),
        ("größe", "gr\\xc3\\xb6\\xc3\\x9fe"),
        ("a\nb", "a\\x0ab"),
        ("$env{x}", "\\x24env\\x7bx\\x7d"),
    ],
)
def test_a_name_as_a_link(name, link):
    assert device.link_name(name) == link


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_no_name_leaves_the_folder_or_ends_a_line(name):
    link = device.link_name(name)
    assert not set(link) & set("/\n \"'$%{}")
    assert link not in ("", ".", "..")


def test_what_the_rule_imports_is_named_by_the_serial(fake: FakeMachine):
    volume = Volume("v1", "my data")
    assert device.link(fake.machine, volume, "serial")
    assert fake.read("var/lib/blockstore/links/serial") == "BLOCKSTORE_ID=v1\nBLOCKSTORE_NAME=my\\x20data\n"
    assert not device.link(fake.machine, volume, "serial"), "no news the second time"
    device.unlink(fake.machine, [Volume("v11", "x")])
    assert fake.read("var/lib/blockstore/links/serial")
    device.unlink(fake.machine, [volume])
    assert not fake.read("var/lib/blockstore/links/serial")


def test_a_serial_that_nobody_named_counts_at_its_place_only():
    """Two of Cinder's storage hosts, each with its first target: tgt's default serial is the same."""
    one = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:volume-1", 1)
    other = IscsiPath(Portal("10.0.0.2"), "iqn.2010-10.org.openstack:volume-2", 1)
    assert device.place("beaf11", one) == "beaf11@ip-10.0.0.1:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1"
    assert device.place("beaf11", one) != device.place("beaf11", other)
    assert (
        device.place("s", IscsiPath(Portal("fd00::1"), "iqn.x:y", 0x1234))
        == "s@ip-fd00::1:3260-iscsi-iqn.x:y-lun-0x1234000000000000"
    )


@pytest.mark.parametrize("serial", ["", ".", "..", "../x", "/etc/x", "a/b"])
def test_a_serial_that_could_leave_the_folder_gets_no_link(fake: FakeMachine, serial):
    before = fake.files()
    assert not device.link(fake.machine, Volume("v1", "x"), serial)
    assert fake.files() == before


def test_an_event_is_asked_for_without_a_process(fake: FakeMachine):
    fake.disk("sda")
    fake.partition("sda", 1, 1 << 20, 1 << 20)
    fake.udev("sda1")
    device.refresh(fake.machine, "/dev/sda")
    assert fake.read("sys/class/block/sda/uevent") == fake.read("sys/class/block/sda/sda1/uevent") == "change\n"


def test_of_a_partition_whose_first_event_is_still_to_come_no_other_is_asked_for(fake: FakeMachine):
    fake.disk("sda")
    for number in (1, 2):
        fake.partition("sda", number, number << 20, 1 << 20)
    fake.udev("sda2")
    device.refresh_partitions(fake.machine, "/dev/sda")
    assert [fake.read(f"sys/class/block/sda/{name}/uevent") for name in ("sda1", "sda2")] == ["\n", "change\n"]
    assert fake.read("sys/class/block/sda/uevent") == "\n"


def test_one_that_udev_keeps_silent_about_is_told_of_again(fake: FakeMachine):
    """udev drops an event that it had to put off for three minutes."""
    (fake.root / "run/udev").mkdir(exist_ok=True)
    fake.write("run/udev/control", "")
    fake.disk("sda")
    node = fake.partition("sda", 1, 1 << 20, 1 << 20)
    with pytest.raises(DeadlineExceeded):
        filesystem.settle(fake.machine, node, "u", Deadline.after(filesystem.PATIENCE - 1, fake.clock))
    assert fake.read("sys/class/block/sda/sda1/uevent") == "\n"
    with pytest.raises(DeadlineExceeded):
        filesystem.settle(fake.machine, node, "u", Deadline.after(filesystem.PATIENCE + 5, fake.clock))
    assert fake.read("sys/class/block/sda/sda1/uevent") == "change\n"


def test_a_command_waits_for_the_links_where_udev_runs(fake: FakeMachine):
    deadline = Deadline.after(5, fake.clock)
    device.await_links(fake.machine, ["v1"], deadline)  # nobody is there to make them
    fake.write("run/udev/control", "")
    (fake.root / "dev/disk/by-blockstore").mkdir(parents=True)
    (fake.root / "dev/disk/by-blockstore/v1").symlink_to("../../sda")
    device.await_links(fake.machine, ["v1"], deadline)
    with pytest.raises(DeadlineExceeded, match="udev to make the links"):
        device.await_links(fake.machine, ["v1", "v2"], deadline)
