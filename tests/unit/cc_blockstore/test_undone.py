"""What is required fails the stage, whatever kept it away; without a required volume the same is a warning."""

from __future__ import annotations

import errno
from typing import Any

import pytest

import cc_blockstore
from blockstore.attachment import Status
from blockstore.errors import Fault, ServiceDenied, ServiceUnreachable
from cc_blockstore import bootstrap
from cc_blockstore.machine import initiator, ledger, lock
from cc_blockstore.machine.ledger import Known
from tests.unit.cc_blockstore.test_bootstrap import LOGIN, PATHS, Guest, attachment, bring_up, results, whole
from tests.unit.fakes import FakeMachine

REQUIRED = {"data": {"required": True, "filesystem": "none", "partition_table": "none"}}
MISSING = "required volumes are missing: "
FULL = "[Errno 28] No space left on device"


@pytest.fixture
def guest(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Guest:
    return Guest(fake, monkeypatch)


def raises(error: Exception) -> Any:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


@pytest.mark.parametrize("error", [ServiceUnreachable("no answer"), ServiceDenied(401, "no answer")])
def test_a_service_that_lists_nothing(guest: Guest, monkeypatch, error):
    monkeypatch.setattr(guest.service, "attachments", raises(error))
    assert guest.run().error == ""
    guest.wishes = REQUIRED
    verdict = guest.run()
    assert (verdict.warning, verdict.error) == ("no answer", f"{MISSING}data: required, but no answer")
    assert results(verdict) == {"data": "refused"}
    assert [each["name"] for each in guest.fake.status()["volumes"]] == ["data"]  # type: ignore[attr-defined, index]


def test_one_that_is_known_from_before_counts_as_there(guest: Guest, monkeypatch, tmp_path):
    bring_up(guest, tmp_path / "data")
    monkeypatch.setattr(guest.service, "attachments", raises(ServiceUnreachable("no answer")))
    guest.wishes = {"name-v1": whole(tmp_path / "data", required=True), "*": {"required": True}}
    verdict = guest.run()
    assert (verdict.warning, verdict.error) == ("", f"{MISSING}*: required, but no answer")
    del guest.wishes["*"]
    verdict = guest.run()
    assert (verdict.warning, verdict.error, results(verdict)) == ("", "", {"v1": "ok"})


def test_one_whose_attachment_was_not_understood(guest: Guest, monkeypatch):
    monkeypatch.setattr(guest.service, "attachments", lambda _: ((attachment("v1"),), (Fault("attachments[1]", "is bad"),)))
    guest.wishes = REQUIRED
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok", "data": "refused"}, "the others were tried"
    assert verdict.error.startswith(f"{MISSING}data: required, but not among those attachments")


@pytest.mark.parametrize("word", [{"data": {"required": True}}, {"*": {"required": True}}])
def test_nothing_names_volumes_at_all(fake: FakeMachine, word):
    before = fake.files()
    verdict = bootstrap.run(fake.machine, {"blockstore": {"volumes": word}}, {}, "i-1")
    [name] = word
    assert verdict.error == f"{MISSING}{name}: required, but the document names no metadata service and no attachments"
    assert not verdict.report.healthy
    assert set(fake.files()) - set(before) == {"run/blockstore/status.json"}, "the machine is left alone"


def test_the_lock_is_not_had(guest: Guest, monkeypatch):
    monkeypatch.setattr(lock, "taken", lambda _: None)
    assert (guest.run().warning, guest.run().error) == ("waited 90 s for another run of blockstore to end", "")
    guest.wishes = REQUIRED
    verdict = guest.run()
    assert (verdict.warning, verdict.error) == ("", f"{MISSING}data: waited 90 s for another run of blockstore to end")


def test_one_that_the_server_s_word_requires_is_known_without_it(guest: Guest, monkeypatch):
    ledger.write(guest.fake.machine, Known(attachment("v1", metadata={"blockstore.required": "true"}), PATHS["v1"]))
    monkeypatch.setattr(lock, "taken", lambda _: None)
    assert guest.run().error.startswith(f"{MISSING}name-v1: waited")


@pytest.mark.parametrize("required", [True, False])
def test_a_document_with_faults(fake: FakeMachine, required):
    told = "the blockstore document has 1 faults, nothing was done: x: unknown key; known are"
    volumes = {"data": {"required": required}, "log": {"required": "yes"}, 5: {"required": True}}
    document = {"x": 1, "volumes": {"data": volumes["data"]}}
    verdict = bootstrap.run(fake.machine, {"blockstore": document}, {}, "i-1")
    assert verdict.bad_document, "which the command ends with 2"
    assert (verdict.error or verdict.warning).startswith(f"{MISSING}data: {told}" if required else told)
    assert bool(verdict.error) is required
    verdict = bootstrap.run(fake.machine, {"blockstore": {"volumes": volumes}}, {}, "i-1")
    assert bool(verdict.error) is required


def test_a_disk_that_is_full_is_told_and_every_volume_is_tried(guest: Guest, monkeypatch):
    full = raises(OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr(initiator, "write_name", full)
    monkeypatch.setattr("cc_blockstore.status.write", full)
    monkeypatch.setattr("cc_blockstore.machine.service.arm_logout", full)
    guest.service.listed, guest.wishes = [attachment("v1")], REQUIRED
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok", "data": "refused"}
    assert verdict.warning == f"the logout at shutdown: {FULL}; initiator name: {FULL}; report: {FULL}"
    assert verdict.error == f"{MISSING}data: required, but not attached to this instance"


def test_a_seal_that_finds_no_room_leaves_the_rows(guest: Guest, monkeypatch):
    guest.known("v1")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    monkeypatch.setattr("cc_blockstore.seal.write", raises(OSError(errno.ENOSPC, "No space left on device")))
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert verdict.warning == f"seal: {FULL}"


def test_what_remains_of_a_detached_one_does_not_hold_up_the_others(guest: Guest, monkeypatch):
    guest.known("v1")
    guest.service.listed = [attachment("v2")]
    guest.fake.runner.expect(
        "iscsiadm", ..., "node", "-T", PATHS["v1"].iqn, "-p", ..., "--logout", then=lambda _: guest.fake.end_session(1)
    )
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v2"))
    monkeypatch.setattr("cc_blockstore.machine.device.unlink", raises(OSError(errno.EROFS, "Read-only file system")))
    next(guest.numbers)
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok", "v2": "ok"}
    assert verdict.warning == "detached volumes: [Errno 30] Read-only file system"


class Cloud:
    datasource = None


@pytest.mark.parametrize("required", [True, False])
def test_an_unexpected_error_of_the_run(monkeypatch, caplog, required):
    monkeypatch.setattr(bootstrap, "at_boot", raises(ValueError("Plant3dS3cret")))
    cfg = {"blockstore": {"attachments": [], "volumes": {"data": {"required": required}}}}
    told = "unexpected ValueError; run 'blockstore apply' for the details"
    if not required:
        cc_blockstore.handle(name="blockstore", cfg=cfg, cloud=Cloud(), args=[])
        assert [record.getMessage() for record in caplog.records] == [f"blockstore: {told}"]
        return
    with pytest.raises(RuntimeError) as raised:
        cc_blockstore.handle(name="blockstore", cfg=cfg, cloud=Cloud(), args=[])
    assert str(raised.value) == f"required volumes may be missing: data: {told}"
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
