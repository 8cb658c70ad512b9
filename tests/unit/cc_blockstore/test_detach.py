"""`blockstore detach`: what was begun is completed by the next run, wherever it was cut; a busy volume stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blockstore.errors import BlockstoreError, Fault, ServiceUnreachable
from blockstore.iscsi import IscsiConnection
from blockstore.report import Result, VolumeReport
from blockstore.values import replace
from cc_blockstore import detach as command
from cc_blockstore import reach
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.machine import fstab, ledger
from cc_blockstore.machine.ledger import Known
from tests.unit.cc_blockstore.test_bootstrap import LOGIN, PATHS, Guest, Status, attachment, bring_up, connection, results
from tests.unit.fakes import FakeMachine

UMOUNT = ("umount", ...)
LOGOUT = ("iscsiadm", "-m", "node", "-T", PATHS["v1"].iqn, "-p", "10.0.0.1:3260", "--logout")


class PowerCut(BaseException):
    """The machine stopped: nothing catches it."""


@pytest.fixture
def guest(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Guest:
    """One volume, mounted."""
    found = Guest(fake, monkeypatch)
    monkeypatch.setattr(command, "client_of", lambda document, machine: found.service)
    bring_up(found, tmp_path / "srv/data")
    found.service.asked = []
    return found


def document() -> Document:
    return parse({"endpoint": "http://service"})


def detach(guest: Guest, name: str = "name-v1") -> tuple[VolumeReport, str]:
    return command.detach(guest.fake.machine, document(), name)


def expected(guest: Guest, tmp_path: Path) -> None:
    """What is still mounted and logged in is taken down."""
    point = tmp_path / "srv/data"
    if str(point) in guest.fake.read("proc/self/mountinfo"):
        guest.fake.runner.expect(*UMOUNT, then=lambda _: guest.fake.unmounted(point))
    if (guest.fake.root / "sys/class/iscsi_session/session1").exists():
        guest.fake.runner.expect(*LOGOUT, then=lambda _: guest.fake.end_session(1))


def gone(guest: Guest) -> bool:
    left = [path for path in (guest.fake.root / "var/lib/blockstore").rglob("*") if path.is_file()]
    records = [path for path in (guest.fake.root / "etc/iscsi/nodes").rglob("*") if path.is_file()]
    return not left and not records and "x-blockstore" not in guest.fake.read("etc/fstab")


@pytest.mark.parametrize("name", ["name-v1", "v1"])
def test_it_is_unmounted_logged_out_forgotten_and_told(guest: Guest, tmp_path: Path, name: str):
    expected(guest, tmp_path)
    report, note = detach(guest, name)
    assert (report.result, report.reason, note) == (Result.OK, "", "")
    assert guest.service.asked == ["detach a-v1"]
    assert gone(guest)


def test_a_name_that_is_not_attached_says_which_are(guest: Guest):
    with pytest.raises(BlockstoreError, match=r"no volume 'other' is attached here \(attached: name-v1\)"):
        detach(guest, "other")


def test_a_busy_one_stays_attached(guest: Guest, tmp_path: Path):
    guest.fake.runner.expect(*UMOUNT, code=32, stderr="umount: target is busy.\n")
    report, _ = detach(guest)
    assert report.result is Result.REFUSED
    assert guest.service.asked == []
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    assert results(guest.run()) == {"v1": "ok"}
    assert not ledger.read_all(guest.fake.machine)["v1"].leaving


def cut(*_: Any, **__: Any) -> Any:
    raise PowerCut


# Where the power goes: a process that is about to start, or a function that is about to be called.
CUTS: dict[str, Callable[[Guest, pytest.MonkeyPatch], None]] = {
    "before the unmount": lambda guest, _: guest.fake.runner.expect(*UMOUNT, then=cut),
    "before the flush": lambda _, patch: patch.setattr("cc_blockstore.machine.filesystem.flush", cut),
    "before the logout": lambda guest, _: guest.fake.runner.expect(*LOGOUT, then=cut),
    "before the record goes": lambda _, patch: patch.setattr("cc_blockstore.machine.record.remove", cut),
    "before the links go": lambda _, patch: patch.setattr("cc_blockstore.machine.device.unlink", cut),
    "before fstab": lambda _, patch: patch.setattr(fstab, "update", cut),
    "before the service is told": lambda guest, patch: patch.setattr(guest.service, "detach", cut),
    "before it is forgotten": lambda _, patch: patch.setattr(ledger, "forget", cut),
}


@pytest.mark.parametrize("where", CUTS)
def test_what_was_cut_is_completed_by_the_next_run(guest: Guest, tmp_path: Path, where: str):
    with pytest.MonkeyPatch.context() as patch:
        CUTS[where](guest, patch)
        if "unmount" not in where:
            expected(guest, tmp_path)
        with pytest.raises(PowerCut):
            detach(guest)
    guest.fake.runner.expected.clear()
    told = "detach a-v1" in guest.service.asked
    guest.service.listed = [] if told else [attachment("v1", Status.ATTACHED)]
    expected(guest, tmp_path)
    verdict = guest.run()
    assert verdict.report.healthy
    assert guest.service.asked.count("detach a-v1") == 1
    assert gone(guest)


def test_a_service_that_is_away_is_told_by_the_next_run_and_the_volume_stays_away(guest: Guest, tmp_path: Path):
    expected(guest, tmp_path)
    with pytest.MonkeyPatch.context() as patch:

        def down(*_: Any) -> Any:
            raise ServiceUnreachable("no answer from http://service")

        patch.setattr(guest.service, "detach", down)
        report, note = detach(guest)
        assert report.result is Result.OK
        assert "the next run does so: no answer" in note
        patch.setattr(guest.service, "attachments", down)
        assert guest.run().report.healthy
        assert ledger.read_all(guest.fake.machine)["v1"].leaving
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    guest.run()
    assert "detach a-v1" in guest.service.asked
    assert gone(guest)


def away(guest: Guest) -> None:
    """`blockstore detach`, of which the service is not told."""

    def down(*_: Any) -> Any:
        raise ServiceUnreachable("no answer from http://service")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guest.service, "detach", down)
        assert detach(guest)[0].result is Result.OK


@pytest.mark.parametrize("with_the_old_one", [False, True])
@pytest.mark.parametrize("complete", [True, False])
def test_a_new_attachment_is_not_taken_for_the_one_that_left(
    guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_the_old_one: bool, complete: bool
):
    """An operator detached it at the service too, and attached it again since."""
    expected(guest, tmp_path)
    away(guest)
    new = replace(attachment("v1"), id="a-new")
    old = [attachment("v1", Status.ATTACHED)] if with_the_old_one else []
    faults = () if complete else (Fault("attachments[7]", "is nothing that is known"),)
    monkeypatch.setattr(guest.service, "attachments", lambda _: ((*old, new), faults))
    monkeypatch.setattr(guest.service, "connect", lambda *_: connection("v1"))
    guest.wishes = {}
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    assert results(guest.run()) == {"v1": "ok"}
    known = ledger.read_all(guest.fake.machine)["v1"]
    assert (known.attachment.id, known.leaving) == ("a-new", False)
    assert [each for each in guest.service.asked if "a-" in each] == [*(["detach a-v1"] if old else []), "complete a-new"]


def test_a_new_attachment_is_asked_for_even_where_another_volume_keeps_the_session(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch
):
    """Both are LUNs of one target; the first one left, and the list is not the whole truth."""
    guest, second = Guest(fake, monkeypatch), replace(PATHS["v1"], lun=2)
    session = fake.session(PATHS["v1"])
    fake.lun(session, "sdb", 2, serial="v2")
    ledger.write(fake.machine, Known(attachment("v1", Status.ATTACHED), PATHS["v1"], leaving=True))
    ledger.write(fake.machine, Known(attachment("v2", Status.ATTACHED), second))
    new, faults = replace(attachment("v1"), id="a-new"), (Fault("attachments[7]", "is nothing that is known"),)
    monkeypatch.setattr(guest.service, "attachments", lambda _: ((new, attachment("v2", Status.ATTACHED)), faults))

    def connect(attachment_id: str, *_: Any) -> IscsiConnection:
        guest.service.asked.append(attachment_id)
        fake.lun(session, "sda", 1, serial="v1")
        return connection("v1")

    monkeypatch.setattr(guest.service, "connect", connect)
    assert results(guest.run()) == {"v1": "ok", "v2": "ok"}
    assert guest.service.asked[0] == "a-new"


def test_an_old_attachment_that_ends_is_not_taken_for_the_new_one(guest: Guest):
    """The volume is here under another one already."""
    ended = replace(attachment("v1", Status.DETACHING), id="a-old")
    guest.service.listed = [ended, attachment("v1", Status.ATTACHED)]
    assert results(guest.run()) == {"v1": "ok"}
    assert "detach a-old" in guest.service.asked
    assert "connect a-v1" not in guest.service.asked
    assert not ledger.read_all(guest.fake.machine)["v1"].borrowed


def test_one_that_the_document_itself_attaches_says_so(guest: Guest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stated = parse({
        "attachments": [{
            "volume": {"id": "v1", "name": "name-v1"},
            "connection_info": {"driver_volume_type": "iscsi", "target_portal": "10.0.0.1:3260", "target_lun": 1,
                                "target_iqn": PATHS["v1"].iqn},
        }],
    })  # fmt: skip
    monkeypatch.setattr(command, "client_of", reach.client_of)
    expected(guest, tmp_path)
    report, note = command.detach(guest.fake.machine, stated, "v1")
    assert report.result is Result.OK
    assert "the document still attaches it" in note
