"""One path, one volume; one serial, one volume, whoever names it: in a run, in the next, and in what `blockstore plan` says."""

from __future__ import annotations

from typing import Any

import pytest

from blockstore.attachment import Attachment, Status, Volume
from blockstore.errors import LoginFailed, ServiceUnreachable
from blockstore.iscsi import IscsiConnection, IscsiPath
from blockstore.portal import Portal
from cc_blockstore import bootstrap
from cc_blockstore.claims import Claims
from cc_blockstore.document.parse import parse
from cc_blockstore.machine import ledger
from cc_blockstore.machine.ledger import Known
from cc_blockstore.planning import planned
from tests.unit.cc_blockstore.test_bootstrap import LOGIN, PATHS, Guest, results
from tests.unit.fakes import FakeMachine, page_80

ONE, TWO = (IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:v", lun) for lun in (1, 2))


def one(name: str, serial: str = "", status: Status = Status.ATTACHED) -> Attachment:
    return Attachment(f"a-{name}", Volume(name, f"name-{name}", 1, serial), status)


def stated(name: str, serial: str = "", *, connection: str = "") -> dict[str, Any]:
    """An attachment of a static document; ``serial`` is what the volume names, ``connection`` what connection_info does."""
    info = {"driver_volume_type": "iscsi", "target_portal": "10.0.0.1:3260", "target_iqn": PATHS[name].iqn, "target_lun": 1}
    named = {key: value for key, value in {"serial": connection}.items() if value}
    volume = {"id": name, "name": f"name-{name}", **{key: value for key, value in {"serial": serial}.items() if value}}
    return {"volume": volume, "connection_info": {**info, **named}}


def document(*attachments: dict[str, Any]) -> dict[str, Any]:
    return {"deadline": 5, "attachments": list(attachments)}


def logged_in(fake: FakeMachine, **serials: str) -> Any:
    """iscsiadm has logged in to these volumes, whose disks answer with these serials."""

    def then(_: object) -> None:
        for number, (name, serial) in enumerate(serials.items(), 1):
            fake.lun(fake.session(PATHS[name], number), f"sd{'abc'[number - 1]}", serial=serial)

    return then


def reasons(verdict: Any) -> dict[str, str]:
    return {each.id: each.reason for each in verdict.report.volumes}


def links(fake: FakeMachine) -> dict[str, str]:
    folder = fake.root / "var/lib/blockstore/links"
    return {path.name: path.read_text().splitlines()[0] for path in folder.iterdir()} if folder.exists() else {}


def test_a_path_is_that_of_the_first():
    claims = Claims({"v1": Known(one("v1"), ONE)}, [])
    claims.path(ONE, "v1")
    claims.path(TWO, "v2")
    for path, other, user in ((ONE, "v2", "v1"), (TWO, "v3", "v2")):
        with pytest.raises(LoginFailed, match=f"leads to .*, which is volume {user}"):
            claims.path(path, other)


def test_a_serial_is_that_of_the_volume_of_which_it_was_named_and_none_is_nobody_s():
    known = {"v1": Known(one("v1"), ONE, serial="remembered"), "v2": Known(one("v2", "old"), TWO)}
    claims = Claims(known, [one("v1"), one("v2", "new"), one("v3", "listed"), one("v4"), one("v5", "gone", Status.DETACHING)])
    assert claims.serials == {"remembered": "v1", "new": "v2", "listed": "v3"}
    claims.serial("asked", "v4")
    claims.serial("listed", "v3")
    claims.serial("", "v5")
    for serial, user in (("remembered", "v1"), ("asked", "v4")):
        with pytest.raises(LoginFailed, match=f"its serial '{serial}' is that of volume {user}, too"):
            claims.serial(serial, "v6")


def test_what_is_known_counts_before_what_is_listed_first():
    assert Claims({"v2": Known(one("v2"), TWO, serial="same")}, [one("v1", "same"), one("v2")]).serials == {"same": "v2"}


def test_two_static_volumes_of_one_serial_are_refused_whoever_named_it(fake: FakeMachine):
    """The file of links of that serial would be that of either disk."""
    two = document(stated("v1", connection="same"), stated("v2", "same"))
    verdict = bootstrap.run(fake.machine, {"blockstore": two}, {}, "i-1")
    assert results(verdict) == {"v1": "refused", "v2": "refused"}
    assert "several volumes have the serial 'same'" in reasons(verdict)["v1"]
    assert links(fake) == {}


def test_a_serial_that_the_service_says_late_is_that_of_the_first(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    """Only connection_info names it, of two volumes: the second is not even logged in to, at no run."""
    guest = Guest(fake, monkeypatch, one("v1", status=Status.RESERVED), one("v2", status=Status.RESERVED))
    monkeypatch.setattr(
        guest.service, "connect", lambda name, *_: IscsiConnection((PATHS[name[2:]],), None, (), "same", name[2:])
    )
    fake.runner.expect(*LOGIN, then=guest.logs_in("v1", serial="same"))
    for _ in range(2):
        verdict = guest.run()
        assert results(verdict) == {"v1": "ok", "v2": "failed"}
        assert "its serial 'same' is that of volume v1, too" in reasons(verdict)["v2"]
    assert links(fake) == {"same": "BLOCKSTORE_ID=v1"}
    assert not list(fake.root.glob(f"etc/iscsi/nodes/{PATHS['v2'].iqn}/*"))


@pytest.mark.parametrize("names", ["the volume", "its connection"])
def test_a_disk_with_the_serial_of_another_volume_is_none_of_one_that_names_none(fake: FakeMachine, names: str):
    first = stated("v1", "serial-1") if names == "the volume" else stated("v1", connection="serial-1")
    both = document(stated("v2"), first)
    fake.runner.expect(*LOGIN, then=logged_in(fake, v1="serial-1", v2="serial-1"))
    verdict = bootstrap.run(fake.machine, {"blockstore": both}, {}, "i-1")
    assert results(verdict) == {"v2": "refused", "v1": "ok"}
    assert "its serial 'serial-1' is the one that was named for volume v1" in reasons(verdict)["v2"]
    assert links(fake) == {"serial-1": "BLOCKSTORE_ID=v1"}
    told = {(step.volume, step.step): step.verb for step in planned(fake.machine, parse(both))[0]}
    assert (told["name-v2", "device"], told["name-v1", "device"]) == ("refuse", "keep")


def test_one_that_is_left_alone_still_has_its_serial(fake: FakeMachine):
    """Its wish is bad; its disk is no other volume's for that."""
    first = stated("v1", "serial-1")
    first["volume"]["metadata"] = {"blockstore.mount": "nowhere"}
    fake.runner.expect(*LOGIN, then=logged_in(fake, v2="serial-1"))
    verdict = bootstrap.run(fake.machine, {"blockstore": document(first, stated("v2"))}, {}, "i-1")
    assert results(verdict) == {"v1": "refused", "v2": "refused"}


def test_plan_says_what_the_run_does_of_a_serial_that_is_another_s(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    guest = Guest(fake, monkeypatch, one("v1"), one("v2", "same"))
    monkeypatch.setattr("cc_blockstore.planning.client_of", lambda document, machine: guest.service)
    fake.lun(fake.session(PATHS["v1"]), "sda", serial="same")
    ledger.write(fake.machine, Known(one("v1"), PATHS["v1"], serial="same"))
    steps, *_ = planned(fake.machine, parse({"endpoint": "http://service", "token": "t"}))
    assert [(each.volume, each.step, each.verb) for each in steps] == [
        ("name-v1", "login", "keep"), ("name-v1", "device", "keep"), ("name-v2", "login", "refuse"),
    ]  # fmt: skip
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok", "v2": "failed"}
    assert steps[-1].why in reasons(verdict)["v2"]


def test_the_serial_that_only_the_connection_names_counts_at_a_re_run(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    """After a reboot open-iscsi logs in by itself, nobody is asked, and the target answers with another volume."""
    guest = Guest(fake, monkeypatch, one("v1", status=Status.RESERVED))
    monkeypatch.setattr("cc_blockstore.planning.client_of", lambda document, machine: guest.service)
    fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    assert results(guest.run()) == {"v1": "ok"}
    assert links(fake) == {"v1": "BLOCKSTORE_ID=v1"}
    guest.service.listed = [one("v1")]
    assert results(guest.run()) == {"v1": "ok"}
    page = fake.root / "sys/class/iscsi_session/session1/device/target1:0:0/1:0:0:1/vpd_pg80"
    page.write_bytes(page_80("another"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "refused"}
    assert "wanted serial 'v1', found 'another'" in reasons(verdict)["v1"]
    assert [each.verb for each in planned(fake.machine, parse({"endpoint": "http://service"}))[0]] == ["keep", "refuse"]
    assert guest.service.asked.count("connect a-v1") == 1


def test_it_counts_while_the_service_is_away(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    """The record of the first run leads there; what comes is looked at all the same."""
    guest = Guest(fake, monkeypatch, one("v1", status=Status.RESERVED))
    fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    guest.run()
    fake.end_session(1)

    def away(*_: Any) -> Any:
        raise ServiceUnreachable("no answer from http://service")

    monkeypatch.setattr(guest.service, "attachments", away)
    monkeypatch.setattr(guest.service, "connect", away)
    fake.runner.expect(*LOGIN, then=guest.logs_in("v1", serial="another"))
    assert results(guest.run()) == {"v1": "refused"}


def test_what_the_document_names_now_counts_not_what_it_named(fake: FakeMachine):
    fake.runner.expect(*LOGIN, then=logged_in(fake, v1="right"))
    verdict = bootstrap.run(fake.machine, {"blockstore": document(stated("v1", connection="wrong"))}, {}, "i-1")
    assert results(verdict) == {"v1": "refused"}
    for corrected in (stated("v1", connection="right"), stated("v1")):
        assert results(bootstrap.run(fake.machine, {"blockstore": document(corrected)}, {}, "i-1")) == {"v1": "ok"}


@pytest.mark.parametrize(("borrowed", "startup"), [(False, "manual"), (True, "automatic")])
def test_a_refused_disk_is_not_connected_by_the_next_boot_itself(fake: FakeMachine, borrowed: bool, startup: str):
    """It would get the links of the volume whose serial it has. A session that others made is theirs."""
    record = f"etc/iscsi/nodes/{PATHS['v2'].iqn}/10.0.0.1,3260,1/default"
    both = document(stated("v1", "same"), stated("v2"))
    if borrowed:
        logged_in(fake, v1="same", v2="same")(None)
        fake.write(record, "node.startup = automatic\n")
    else:
        fake.runner.expect(*LOGIN, then=logged_in(fake, v1="same", v2="same"))
    assert results(bootstrap.run(fake.machine, {"blockstore": both}, {}, "i-1")) == {"v1": "ok", "v2": "refused"}
    assert f"node.startup = {startup}" in fake.read(record)


def test_one_that_was_refused_is_connected_by_the_boot_again_once_it_is_the_right_one(fake: FakeMachine):
    record = f"etc/iscsi/nodes/{PATHS['v1'].iqn}/10.0.0.1,3260,1/default"
    fake.write(record, "node.startup = manual   \n")
    fake.runner.expect(*LOGIN, then=logged_in(fake, v1="mine"))
    assert results(bootstrap.run(fake.machine, {"blockstore": document(stated("v1", "mine"))}, {}, "i-1")) == {"v1": "ok"}
    assert "node.startup = automatic" in fake.read(record)
