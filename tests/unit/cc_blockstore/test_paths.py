"""A volume that is to be reached by another path than before: only the disk that is named now is ever written to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blockstore.attachment import Status
from blockstore.iscsi import IscsiConnection, IscsiPath
from blockstore.portal import Portal
from cc_blockstore import bootstrap, planning
from cc_blockstore.bootstrap import Verdict
from cc_blockstore.document.parse import parse
from cc_blockstore.machine import ledger
from tests.unit.cc_blockstore.test_bootstrap import LOGIN, PATHS, Guest, attachment, results
from tests.unit.fakes import FakeMachine

ONE = PATHS["v1"]
TWO = IscsiPath(ONE.portal, ONE.iqn, 2)
LOGOUT = ("iscsiadm", "-m", "node", "-T", ONE.iqn, "-p", "10.0.0.1:3260", "--logout")
MOVED = f"connected to {ONE}, its connection_info names {TWO} now"


def attached(volume_id: str, *paths: IscsiPath, serial: str = "") -> dict[str, Any]:
    """As a static document holds it."""
    wire = IscsiConnection(paths).to_wire()
    return {"volume": {"id": volume_id, "name": volume_id} | ({"serial": serial} if serial else {}), "connection_info": wire}


def document(*attachments: dict[str, Any], **wish: object) -> dict[str, Any]:
    return {"deadline": 5, "attachments": list(attachments), "volumes": {"v1": wish} if wish else {}}


def run(fake: FakeMachine, stated: dict[str, Any]) -> Verdict:
    return bootstrap.run(fake.machine, {"blockstore": stated}, {}, "i-1")


def plan(fake: FakeMachine, stated: dict[str, Any]) -> list[tuple[str, str, str]]:
    steps, *_ = planning.planned(fake.machine, parse(stated))
    return [(each.volume, each.step, each.verb) for each in steps]


def why(fake: FakeMachine, stated: dict[str, Any]) -> str:
    """Of the first decision."""
    return planning.planned(fake.machine, parse(stated))[0][0].why


@pytest.fixture
def target(fake: FakeMachine) -> Callable[[object], None]:
    """The target logs in: LUN 1 is somebody's, LUN 2 is ours. At each login the kernel has other names for its disks."""
    names, numbers = iter(("sda", "sdb", "sdc", "sdd")), iter((1, 2))

    def logged_in(_: object) -> None:
        session = fake.session(ONE, next(numbers))
        for lun, serial in ((1, "precious"), (2, "mine")):
            fake.lun(session, next(names), lun, serial=serial)

    return logged_in


def corrected(fake: FakeMachine, target: Callable[[object], None]) -> None:
    """What runs where the LUN was corrected: out of the old session, and in again."""
    fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session(1))
    fake.runner.expect(*LOGIN, then=target)


def test_a_lun_that_was_corrected_counts(fake: FakeMachine, target: Callable[[object], None]):
    fake.runner.expect(*LOGIN, then=target)
    first = run(fake, document(attached("v1", ONE, serial="mine")))
    assert results(first) == {"v1": "refused"}
    assert "check the target's LUN" in first.warning
    right = document(attached("v1", TWO, serial="mine"))
    assert plan(fake, right) == [("v1", "detach", "do"), ("v1", "login", "do")]
    assert why(fake, right) == f"unmount, flush, log out: {MOVED}"
    corrected(fake, target)
    again = run(fake, right)
    assert (results(again), again.warning) == ({"v1": "ok"}, "")
    [volume] = again.report.volumes
    assert (volume.device, volume.serial) == ("/dev/sdd", "mine")
    assert ledger.read_all(fake.machine)["v1"].path == TWO


def test_what_is_overwritten_is_the_lun_that_the_document_names(fake: FakeMachine, tmp_path: Path, target: Any):
    point = str(tmp_path / "srv")
    probe = {"stdout": "ID_FS_TYPE=xfs\nID_FS_UUID=1-1\n"}
    fake.runner.expect(*LOGIN, then=target)
    fake.runner.expect("blkid", "-p", "-o", ..., "/dev/sda", **probe)
    assert results(run(fake, document(attached("v1", ONE), partition_table="none", mount=point))) == {"v1": "refused"}
    corrected(fake, target)
    fake.runner.expect("blkid", "-p", "-o", ..., "/dev/sdd", **probe)
    fake.runner.expect("wipefs", "--all", "--quiet", "/dev/sdd")
    fake.runner.expect("mkfs.ext4", "-q", "-E", "nodiscard", "-U", ..., "/dev/sdd")
    fake.runner.expect("mount", "-t", "ext4", "-o", "_netdev", "/dev/sdd", point, then=lambda _: fake.mounted("/dev/sdd", point))
    again = run(fake, document(attached("v1", TWO), partition_table="none", mount=point, overwrite=True))
    assert results(again) == {"v1": "ok"}


def test_the_old_one_is_unmounted_first(fake: FakeMachine, target: Callable[[object], None]):
    fake.runner.expect(*LOGIN, then=target)
    assert results(run(fake, document(attached("v1", ONE)))) == {"v1": "ok"}
    fake.mounted("/dev/sda", "/srv/data")
    fake.runner.expect("umount", "/srv/data", then=lambda _: fake.unmounted("/srv/data"))
    corrected(fake, target)
    assert results(run(fake, document(attached("v1", TWO)))) == {"v1": "ok"}


BUSY = "refusing to unmount /srv/data: umount /srv/data ended with 32: umount: target is busy. (end these, then run it again)"


def test_a_busy_old_one_is_refused_with_both_paths(fake: FakeMachine, target: Callable[[object], None]):
    fake.runner.expect(*LOGIN, then=target)
    run(fake, document(attached("v1", ONE)))
    fake.mounted("/dev/sda", "/srv/data")
    fake.runner.expect("umount", "/srv/data", code=32, stderr="umount: target is busy.\n")
    stated = document(attached("v1", TWO), partition_table="none", filesystem="ext4", mount="/srv/data", overwrite=True)
    again = run(fake, stated)
    [volume] = again.report.volumes
    assert (results(again), volume.reason) == ({"v1": "refused"}, f"{MOVED}: {BUSY}")
    assert ledger.read_all(fake.machine)["v1"].path == ONE


def test_plan_and_run_say_the_same_of_one_that_is_held(fake: FakeMachine, target: Callable[[object], None]):
    fake.runner.expect(*LOGIN, then=target)
    run(fake, document(attached("v1", ONE)))
    (fake.root / "sys/class/block/sda/holders/dm-0").mkdir(parents=True)
    stated = document(attached("v1", TWO))
    steps, *_ = planning.planned(fake.machine, parse(stated))
    told = f"{MOVED}: refusing to detach /dev/sda: in use by dm-0 (which holds /dev/sda)"
    assert [(each.step, each.verb, each.why) for each in steps] == [("detach", "refuse", told)]
    [volume] = run(fake, stated).report.volumes
    assert volume.reason == f"{told} (end that use, then run it again)"


def test_another_of_the_named_paths_first_is_no_move(fake: FakeMachine, target: Callable[[object], None]):
    fake.runner.expect(*LOGIN, then=target)
    run(fake, document(attached("v1", ONE)))
    other = IscsiPath(Portal("10.0.0.2"), ONE.iqn, 1)
    stated = document(attached("v1", other, ONE))
    assert plan(fake, stated) == [("v1", "login", "keep"), ("v1", "device", "keep")]
    assert results(run(fake, stated)) == {"v1": "ok"}
    assert ledger.read_all(fake.machine)["v1"].path == ONE


class PowerCut(BaseException):
    """The machine stopped: nothing catches it."""


@pytest.mark.parametrize("where", ["session.logout", "record.remove", "device.unlink", "fstab.update", "ledger.forget"])
def test_a_move_that_was_cut_is_completed_by_the_next_run(fake: FakeMachine, target: Callable[[object], None], where: str):
    def cut(*_: object) -> None:
        raise PowerCut

    fake.runner.expect(*LOGIN, then=target)
    run(fake, document(attached("v1", ONE)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"cc_blockstore.machine.{where}", cut)
        if where != "session.logout":
            fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session(1))
        with pytest.raises(PowerCut):
            run(fake, document(attached("v1", TWO)))
    if where == "session.logout":
        fake.runner.expect(*LOGOUT, then=lambda _: fake.end_session(1))
    fake.runner.expect(*LOGIN, then=target)
    assert results(run(fake, document(attached("v1", TWO)))) == {"v1": "ok"}
    assert ledger.read_all(fake.machine)["v1"].path == TWO


def test_two_whose_luns_were_exchanged(fake: FakeMachine, target: Callable[[object], None], monkeypatch: pytest.MonkeyPatch):
    fake.runner.expect(*LOGIN, then=target)
    assert results(run(fake, document(attached("v1", ONE), attached("v2", TWO)))) == {"v1": "ok", "v2": "ok"}
    dropped: list[str] = []
    monkeypatch.setattr("cc_blockstore.machine.device.delete", lambda machine, node: _gone(fake, dropped, node))
    stated = document(attached("v1", TWO), attached("v2", ONE))
    assert plan(fake, stated) == [
        ("v1", "detach", "do"), ("v2", "detach", "do"), ("v1", "login", "do"), ("v2", "login", "do"),
    ]  # fmt: skip
    corrected(fake, target)
    assert results(run(fake, stated)) == {"v1": "ok", "v2": "ok"}
    assert dropped == ["/dev/sda"]
    assert {name: each.path for name, each in ledger.read_all(fake.machine).items()} == {"v1": TWO, "v2": ONE}


def _gone(fake: FakeMachine, dropped: list[str], node: str) -> None:
    dropped.append(node)
    (fake.root / node[1:]).unlink()


def test_a_session_that_another_volume_keeps_is_used_at_the_named_lun(
    fake: FakeMachine, target: Callable[[object], None], monkeypatch: pytest.MonkeyPatch
):
    fake.runner.expect(*LOGIN, then=target)
    third = IscsiPath(ONE.portal, ONE.iqn, 3)
    run(fake, document(attached("v1", ONE), attached("v2", TWO)))
    fake.lun(fake.root / "sys/class/iscsi_session/session1", "sde", 3, serial="third")
    dropped: list[str] = []
    monkeypatch.setattr("cc_blockstore.machine.device.delete", lambda machine, node: _gone(fake, dropped, node))
    stated = document(attached("v1", third), attached("v2", TWO))
    assert plan(fake, stated)[:3] == [("v1", "detach", "do"), ("v1", "login", "keep"), ("v1", "device", "keep")]
    assert "take its disk away, its session stays for another volume: connected to" in why(fake, stated)
    again = run(fake, stated)
    assert [(each.id, each.result.value, each.device) for each in again.report.volumes] == [
        ("v1", "ok", "/dev/sde"), ("v2", "ok", "/dev/sdb"),
    ]  # fmt: skip
    assert dropped == ["/dev/sda"]
    assert not ledger.read_all(fake.machine)["v1"].borrowed, "the session is ours as before"


# The node record of a path that was given up.


def moved_by_the_service(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, path: IscsiPath) -> Guest:
    """v1 was connected by its first path, and after a reboot the service names this one."""
    guest = Guest(fake, monkeypatch)
    guest.service.listed = [attachment("v1")]
    fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    assert results(guest.run()) == {"v1": "ok"}
    fake.end_session(1)
    monkeypatch.setattr(guest.service, "connect", lambda *_: IscsiConnection((path,), None, (), "v1", "v1"))
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    fake.runner.expect(*LOGIN, then=lambda _: fake.lun(fake.session(path, 2), "sdb", path.lun, serial="v1"))
    return guest


def records(fake: FakeMachine) -> list[str]:
    return sorted(each.parent.name for each in fake.root.glob("etc/iscsi/nodes/*/*/default"))


def test_the_record_of_a_former_portal_goes(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    guest = moved_by_the_service(fake, monkeypatch, IscsiPath(Portal("10.0.0.9"), ONE.iqn, 1))
    assert results(guest.run()) == {"v1": "ok"}
    assert records(fake) == ["10.0.0.9,3260,1"]


def test_that_of_a_former_lun_is_the_same(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    guest = moved_by_the_service(fake, monkeypatch, TWO)
    assert results(guest.run()) == {"v1": "ok"}
    assert records(fake) == ["10.0.0.1,3260,1"]


@pytest.mark.parametrize("order", [("v1", "v2"), ("v2", "v1")], ids=" ".join)
def test_that_which_another_volume_needs_stays(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]):
    moved = IscsiPath(Portal("10.0.0.9"), ONE.iqn, 1)
    guest = moved_by_the_service(fake, monkeypatch, moved)
    paths = {"a-v1": moved, "a-v2": TWO}
    monkeypatch.setattr(guest.service, "connect", lambda name, *_: IscsiConnection((paths[name],), None, (), name[2:], name[2:]))
    guest.service.listed = [attachment(each) for each in order]

    def logged_in(_: object) -> None:
        for number, (name, path) in enumerate(paths.items(), 2):
            fake.lun(fake.session(path, number), f"sd{'abc'[number - 1]}", path.lun, serial=name[2:])

    fake.runner.expected[-1].then = logged_in
    assert results(guest.run()) == {"v1": "ok", "v2": "ok"}
    assert records(fake) == ["10.0.0.1,3260,1", "10.0.0.9,3260,1"]
