"""Taking down: what somebody uses otherwise than by a mount stays, and so does a session that another volume needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from blockstore.attachment import Status
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import Result, VolumeReport
from blockstore.waiting import Deadline
from cc_blockstore.machine import files, ledger
from cc_blockstore.machine.ledger import Known
from cc_blockstore.progress import Steps
from cc_blockstore.takedown import take_down, take_down_all
from tests.unit.cc_blockstore.test_bootstrap import PATHS, Guest, attachment, connection, results
from tests.unit.fakes import FakeMachine

ONE = PATHS["v1"]
RECORD = f"etc/iscsi/nodes/{ONE.iqn}/10.0.0.1,3260,1/default"
LOGOUT = ("iscsiadm", "-m", "node", "-T", ONE.iqn, "-p", "10.0.0.1:3260", "--logout")


def lun(number: int) -> IscsiPath:
    """A LUN of the first volume's target."""
    return IscsiPath(ONE.portal, ONE.iqn, number)


def known(name: str, path: IscsiPath, *, borrowed: bool = False, leaving: bool = False) -> Known:
    return Known(attachment(name, Status.ATTACHED), path, borrowed=borrowed, leaving=leaving)


def down(fake: FakeMachine, one: Known, *others: Known) -> VolumeReport:
    return take_down(fake.machine, one, others, Deadline.after(10, fake.clock), steps(fake))


def steps(fake: FakeMachine) -> Steps:
    return Steps("v", fake.clock.now, fake.clock)


@pytest.fixture
def deleted(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The disks that the kernel was told to let go of, and has."""
    gone: list[str] = []

    def tell(path: str | Path, text: str) -> None:
        scsi = Path(path).parent.resolve()
        assert (Path(path).name, text) == ("delete", "1")
        gone.extend(each.name for each in (scsi / "block").iterdir())
        shutil.rmtree(scsi)

    monkeypatch.setattr(files, "tell", tell)
    return gone


def logged_in(fake: FakeMachine, *luns: int) -> None:
    """One session, with disks sda, sdb, ... for these LUNs, and its record."""
    session = fake.session(ONE)
    for number in luns:
        fake.lun(session, f"sd{'_abc'[number]}", number, serial=f"v{number}")
    fake.write(RECORD, "node.startup = automatic\n")


# What is built on a volume (LVM, RAID, dm-crypt), on the whole disk or on a partition beside a mounted one.


@pytest.mark.parametrize("part", ["sda", "sda/sda2"])
def test_one_that_lvm_holds_is_refused_before_anything_is_unmounted(fake: FakeMachine, part: str):
    logged_in(fake, 1)
    for number in (1, 2):
        fake.partition("sda", number, number << 20, 1 << 20)
    fake.mounted("/dev/sda1", "/srv/a")
    (fake.root / f"sys/class/block/{part}/holders/dm-0").mkdir(parents=True)
    report = down(fake, known("v1", ONE))
    held = part.rpartition("/")[2]
    assert report.result is Result.REFUSED
    assert report.reason == (
        f"refusing to detach /dev/sda: in use by dm-0 (which holds /dev/{held}) (end that use, then run it again)"
    )
    assert fake.runner.ran == []
    assert "/srv/a" in fake.read("proc/self/mountinfo")


@pytest.mark.parametrize("status", [Status.DETACHING, None])
def test_the_run_leaves_one_that_lvm_holds_as_it_is(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, status: Status | None):
    guest = Guest(fake, monkeypatch)
    guest.known("v1")
    (fake.root / "sys/class/block/sda/holders/dm-0").mkdir(parents=True)
    fake.mounted("/dev/dm-0", "/srv/db", "xfs")
    guest.service.listed = [attachment("v1", status)] if status else []
    assert results(guest.run()) == {"v1": "refused"}
    assert (guest.service.asked, list(ledger.read_all(fake.machine))) == (["list", "report"], ["v1"])


def test_one_that_is_mounted_in_another_mount_namespace_is_refused(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    logged_in(fake, 1)
    real = os.open

    def opened(path: str, flags: int, *mode: int) -> int:
        if flags & os.O_EXCL and str(path).endswith("dev/sda"):
            raise OSError(16, "Device or resource busy")
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", opened)
    report = down(fake, known("v1", ONE))
    assert report.result is Result.REFUSED
    assert "refusing to detach /dev/sda: a program has it open for itself, or it is mounted in another" in report.reason
    assert fake.runner.ran == []


# Several volumes behind one session.


def test_a_session_that_another_volume_uses_stays_and_only_the_own_disk_goes(fake: FakeMachine, deleted: list[str]):
    logged_in(fake, 1, 2)
    fake.mounted("/dev/sda", "/srv/one")
    fake.mounted("/dev/sdb", "/srv/two")

    def unmounted(_: object) -> None:
        assert not deleted
        fake.unmounted("/srv/one")

    fake.runner.expect("umount", "/srv/one", then=unmounted)
    report = down(fake, known("v1", ONE), known("v2", lun(2)))
    assert (report.result, report.changed) == (Result.OK, True)
    assert deleted == ["sda"]
    assert fake.read(RECORD), "the other one needs it"


def test_the_last_one_logs_out(fake: FakeMachine, deleted: list[str]):
    logged_in(fake, 1, 2)
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session())
    every = {"v1": known("v1", ONE), "v2": known("v2", lun(2))}
    reports = take_down_all(fake.machine, every, ["v1", "v2"], Deadline.after(10, fake.clock), lambda _: steps(fake))
    assert [each.result for each in reports] == [Result.OK, Result.OK]
    assert deleted == ["sda"]
    assert not fake.read(RECORD)


def test_one_that_is_refused_keeps_the_session(fake: FakeMachine, deleted: list[str]):
    logged_in(fake, 1, 2)
    (fake.root / "sys/class/block/sda/holders/dm-0").mkdir(parents=True)
    every = {"v1": known("v1", ONE), "v2": known("v2", lun(2))}
    reports = take_down_all(fake.machine, every, ["v1", "v2"], Deadline.after(10, fake.clock), lambda _: steps(fake))
    assert [each.result for each in reports] == [Result.REFUSED, Result.OK]
    assert deleted == ["sdb"]
    assert fake.read(RECORD)


OTHERS = [
    IscsiPath(ONE.portal, PATHS["v2"].iqn, 2),
    IscsiPath(Portal("10.0.0.2"), ONE.iqn, 2),
    IscsiPath(Portal("10.0.0.1", 3261), ONE.iqn, 2),
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_another_target_or_portal_is_another_session(fake: FakeMachine, other: IscsiPath):
    logged_in(fake, 1)
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session())
    assert down(fake, known("v1", ONE), known("v2", other)).result is Result.OK
    assert not fake.read(RECORD)


def test_one_that_left_already_and_was_not_told_of_needs_no_session(fake: FakeMachine):
    logged_in(fake, 1)
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session())
    assert down(fake, known("v1", ONE), known("v2", lun(2), leaving=True)).result is Result.OK
    assert not fake.read(RECORD)


def test_one_whose_leaving_was_cut_short_still_needs_it(fake: FakeMachine, deleted: list[str]):
    logged_in(fake, 1, 2)
    assert down(fake, known("v1", ONE), known("v2", lun(2), leaving=True)).result is Result.OK
    assert deleted == ["sda"]
    assert fake.read(RECORD)


def test_a_borrowed_session_keeps_its_disks(fake: FakeMachine, deleted: list[str]):
    logged_in(fake, 1, 2)
    assert down(fake, known("v1", ONE, borrowed=True), known("v2", lun(2), borrowed=True)).result is Result.OK
    assert deleted == []


def test_a_disk_of_nobody_we_know_that_is_in_use_keeps_the_session(fake: FakeMachine):
    logged_in(fake, 1, 3)
    fake.mounted("/dev/sdc", "/mnt/by/hand")
    report = down(fake, known("v1", ONE))
    assert report.result is Result.REFUSED
    assert report.reason == (
        f"refusing to log out of {ONE}: behind the same session /dev/sdc is in use by the mount /mnt/by/hand (/dev/sdc) "
        "(end that use, then run it again)"
    )


def test_one_that_joins_a_session_of_ours_is_the_last_one_to_close_it(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, deleted: list[str]
):
    guest = Guest(fake, monkeypatch)
    logged_in(fake, 1, 2)
    ledger.write(fake.machine, known("v1", ONE))
    answer = connection("v2")
    monkeypatch.setattr(guest.service, "connect", lambda *_: type(answer)((lun(2),), answer.chap, ("MD5",), "v2", "v2"))
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2")]
    assert results(guest.run()) == {"v1": "ok", "v2": "ok"}
    assert not ledger.read_all(fake.machine)["v2"].borrowed
    guest.service.listed = [attachment("v2", Status.ATTACHED)]
    assert results(guest.run()) == {"v1": "ok", "v2": "ok"}
    assert deleted == ["sda"]
    guest.service.listed = []
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session())
    assert results(guest.run()) == {"v2": "ok"}
    assert not list(fake.root.glob("etc/iscsi/nodes/*"))


def test_two_that_are_detached_one_by_one_while_the_service_is_away(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, deleted: list[str]
):
    guest = Guest(fake, monkeypatch)
    logged_in(fake, 1, 2)
    ledger.write(fake.machine, known("v1", ONE, leaving=True))
    ledger.write(fake.machine, known("v2", lun(2), leaving=True))
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session())
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2", Status.ATTACHED)]
    assert results(guest.run()) == {"v1": "ok", "v2": "ok"}
    assert ledger.read_all(fake.machine) == {}
    assert (deleted, guest.service.asked) == (["sda"], ["list", "detach a-v1", "detach a-v2", "report"])


# One volume may be mounted below another.


def test_of_several_the_one_that_was_mounted_last_goes_first(fake: FakeMachine):
    going = {name: known(name, PATHS[name]) for name in ("v1", "v2")}
    for number, (name, one) in enumerate(going.items()):
        fake.lun(fake.session(one.path, number), f"sd{'ab'[number]}", 1, serial=name)
    fake.mounted("/dev/sda", "/srv")
    fake.mounted("/dev/sdb", "/srv/b")
    for point in ("/srv/b", "/srv"):
        fake.runner.expect("umount", point, code=32, stderr="umount: target is busy.")
    reports = take_down_all(fake.machine, going, ["v1", "v2"], Deadline.after(10, fake.clock), lambda name: steps(fake))
    assert [each.id for each in reports] == ["v2", "v1"]
    assert [command.argv[1] for command in fake.runner.ran] == ["/srv/b", "/srv"]
