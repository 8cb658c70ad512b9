"""The flow on a machine made of files: first run, healthy re-run, faults, borrowed sessions, detach, refusals, secrets."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from blockstore.attachment import Attachment, Status, Volume
from blockstore.connection_info import Connection
from blockstore.errors import Fault, LoginFailed, ServiceUnreachable
from blockstore.iscsi import Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.report import Report
from blockstore.run import Command
from blockstore.secret import Secret
from blockstore.values import replace
from cc_blockstore import bootstrap, seal
from cc_blockstore.bootstrap import Verdict
from cc_blockstore.machine import device, ledger
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.session import Session
from tests.unit.fakes import FakeMachine, page_80

PASSWORD, PASSWORD_IN, TOKEN = "Plant3dS3cret", "Plant3dMutual", "Plant3dT0ken"
LOGIN = ("iscsiadm", "-m", "node", "--loginall=onboot")
PATHS = {name: IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.org.openstack:volume-{name}", 1) for name in ("v1", "v2", "v3")}
FAILED_BATCH = (
    "iscsiadm: Could not login to [iface: default, target: {one}, portal: 10.0.0.1,3260].\n"
    "iscsiadm: initiator reported error (24 - iSCSI login failed due to authorization failure)\n"
    "iscsiadm: Could not login to [iface: default, target: {two}, portal: 10.0.0.1,3260].\n"
    "iscsiadm: initiator reported error (8 - connection timed out)\n"
    "iscsiadm: Could not log into all portals"
).format(one=PATHS["v1"].iqn, two=PATHS["v2"].iqn)


def attachment(name: str, status: Status = Status.RESERVED, **more: Any) -> Attachment:
    return Attachment(f"a-{name}", Volume(name, f"name-{name}", 1, name, **more), status)


def connection(name: str) -> IscsiConnection:
    return IscsiConnection((PATHS[name],), Chap("user", Secret(PASSWORD), "target", Secret(PASSWORD_IN)), ("MD5",), name, name)


class Service:
    """The metadata service; counts what is asked."""

    def __init__(self, *attachments: Attachment) -> None:
        self.listed, self.asked, self.reports = list(attachments), [], []  # type: ignore[var-annotated]

    def attachments(self, deadline: Any) -> tuple[tuple[Attachment, ...], tuple[Fault, ...]]:
        self.asked.append("list")
        return tuple(self.listed), ()

    def connect(self, attachment_id: str, connector: Any, deadline: Any) -> Connection:
        self.asked.append(f"connect {attachment_id}")
        return connection(attachment_id[2:])

    def complete(self, attachment_id: str, deadline: Any) -> None:
        self.asked.append(f"complete {attachment_id}")

    def detach(self, attachment_id: str, deadline: Any) -> None:
        self.asked.append(f"detach {attachment_id}")

    def report(self, report: Report, deadline: Any) -> None:
        self.asked.append("report")
        self.reports.append(report)


class Guest:
    """One instance and its service."""

    def __init__(self, fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, *listed: Attachment) -> None:
        self.fake, self.service, self.wishes = fake, Service(*listed), {}  # type: ignore[var-annotated]
        monkeypatch.setattr(bootstrap, "client_of", lambda document, machine: self.service)
        monkeypatch.setattr("cc_blockstore.machine.connector.facing", lambda host: "")
        self.numbers = iter(range(1, 9))

    def run(self) -> Verdict:
        document = {"endpoint": "http://service", "token": TOKEN, "volumes": self.wishes}
        return bootstrap.run(self.fake.machine, {"blockstore": document}, {}, "i-1")

    def logs_in(self, *names: str, serial: str | None = None) -> Any:
        def then(command: Command) -> None:
            for name in names:
                number = next(self.numbers)
                self.fake.lun(self.fake.session(PATHS[name], number), f"sd{'abcdefgh'[number - 1]}", serial=serial or name)

        return then

    def known(self, name: str, *, borrowed: bool = False, number: int = 1) -> None:
        """It was connected by an earlier run."""
        self.fake.lun(self.fake.session(PATHS[name], number), f"sd{'abcdefgh'[number - 1]}", serial=name)
        ledger.write(self.fake.machine, Known(attachment(name, Status.ATTACHED), PATHS[name], borrowed=borrowed))

    def formats(self, node: str, point: Path) -> None:
        runner = self.fake.runner
        runner.expect("blkid", "-p", "-o", ..., node, code=2)
        runner.expect("wipefs", "--no-act", "--noheadings", "--output", "TYPE,OFFSET", node)

        def made(command: Command) -> None:
            self.fake.udev(Path(node).name, ID_FS_TYPE="ext4", ID_FS_UUID=command.argv[5])

        runner.expect("mkfs.ext4", "-q", "-E", "nodiscard", "-U", ..., node, then=made)
        runner.expect(
            "mount", "-t", "ext4", "-o", "_netdev", node, str(point), then=lambda command: self.fake.mounted(node, point)
        )


@pytest.fixture
def point(tmp_path: Path) -> Path:
    return tmp_path / "srv/data"


@pytest.fixture
def guest(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Guest:
    return Guest(fake, monkeypatch)


def whole(point: Path, **more: object) -> dict[str, object]:
    return {"partition_table": "none", "mount": str(point), **more}


def results(verdict: Verdict) -> dict[str, str]:
    return {volume.id: volume.result.value for volume in verdict.report.volumes}


def bring_up(guest: Guest, point: Path) -> Verdict:
    guest.service.listed = [attachment("v1", blank=True)]
    guest.wishes = {"v1": whole(point)}
    guest.fake.write("etc/fstab", "# mine\n")
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    guest.formats("/dev/sda", point)
    return guest.run()


def test_the_first_run_brings_it_up_with_the_least_processes(guest: Guest, point: Path):
    verdict = bring_up(guest, point)
    assert verdict == Verdict(verdict.report)
    assert results(verdict) == {"v1": "ok"}
    assert guest.fake.runner.programs == ["iscsiadm", "blkid", "wipefs", "mkfs.ext4", "mount"]
    assert guest.service.asked == ["list", "connect a-v1", "complete a-v1", "report"]
    [volume] = verdict.report.volumes
    assert [step.step for step in volume.steps] == ["login", "device", "partition", "filesystem", "mount"]
    assert (volume.device, volume.serial, volume.changed) == ("/dev/sda", "v1", True)
    assert guest.fake.read("etc/fstab") == (
        f"# mine\n/dev/disk/by-blockstore/v1 {point} ext4 "
        "defaults,_netdev,nofail,x-systemd.device-timeout=60,x-blockstore.volume=v1 0 0\n"
    )
    assert guest.fake.read("etc/iscsi/initiatorname.iscsi").endswith("InitiatorName=iqn.2018-12.com.leftasexercise:i-1\n")
    assert "BLOCKSTORE_NAME=name-v1\n" in guest.fake.read("var/lib/blockstore/links/v1")


def test_the_report_says_how_long_the_kernel_had_run(guest: Guest, point: Path):
    guest.fake.write("proc/uptime", "14.27 21.70\n")
    assert bring_up(guest, point).report.uptime_ms == 14270
    [told] = guest.service.reports
    assert told.to_wire()["uptime_ms"] == 14270


def test_a_healthy_re_run_starts_no_process_asks_once_and_changes_nothing(guest: Guest, point: Path):
    bring_up(guest, point)
    guest.service.listed = [attachment("v1", Status.ATTACHED, blank=False)]
    guest.run()  # the server's word changed (attached), which is put down
    before, guest.service.asked = guest.fake.files(), []
    guest.fake.runner.ran.clear()
    verdict = guest.run()
    after = guest.fake.files()
    assert guest.fake.runner.ran == []
    assert guest.service.asked == ["list"]
    assert verdict.report.healthy
    assert not verdict.report.changed
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {"run/blockstore/status.json"}


# What the document says of the volume's size and of growth, and whether the next run may rely on what this one saw.
SEALED = [({"size": 1}, {}, True), ({}, {"grow": False}, True), ({}, None, True), ({}, {}, False)]


@pytest.mark.parametrize(("size", "wish", "sealed"), SEALED)
def test_a_volume_that_follows_its_disk_is_looked_at_by_every_run(
    fake: FakeMachine, monkeypatch: pytest.MonkeyPatch, size: dict[str, int], wish: dict[str, Any] | None, sealed: bool
):
    """Nobody but the disk says that it was extended, and only when it is asked again."""
    seals = list[object]()
    monkeypatch.setattr(seal, "write", lambda *of: seals.append(of))
    fake.lun(fake.session(PATHS["v1"]), "sda", serial="v1")
    fake.udev("sda", ID_FS_TYPE="ext4")
    there = {"driver_volume_type": "iscsi", "target_portal": "10.0.0.1:3260", "target_iqn": PATHS["v1"].iqn, "target_lun": 1}
    volume = {"volume": {"id": "v1", "name": "data", "serial": "v1", **size}, "connection_info": there}
    wishes = {} if wish is None else {"data": {"partition_table": "none", "filesystem": "none", **wish}}
    verdict = bootstrap.run(fake.machine, {"blockstore": {"attachments": [volume], "volumes": wishes}}, {}, "i-1")
    assert verdict.report.healthy
    assert bool(seals) is sealed


def test_status_json_is_for_everybody_and_the_same_as_the_report(guest: Guest, point: Path):
    verdict = bring_up(guest, point)
    file = guest.fake.root / "run/blockstore/status.json"
    assert file.stat().st_mode & 0o777 == 0o644
    assert guest.fake.status() == verdict.report.to_wire()
    assert guest.service.reports == [verdict.report]


def test_faults_of_the_document_are_told_together_and_nothing_is_done(fake: FakeMachine):
    before = fake.files()
    verdict = bootstrap.run(fake.machine, {"blockstore": {"endpoint": 1, "volums": {}}}, {}, "i-1")
    assert verdict.warning == (
        "the blockstore document has 2 faults, nothing was done: volums: unknown key; did you mean 'volumes'?; "
        "endpoint: must be a text, not a number"
    )
    assert verdict.error == ""
    assert set(fake.files()) - set(before) == {"run/blockstore/status.json"}
    assert len(fake.status()["faults"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cfg", [{}, {"blockstore": None}, {"blockstore": {}}, {"blockstore": {"volumes": {"x": {"mount": "/x"}}}}]
)
def test_where_no_volume_is_named_the_machine_is_left_alone(fake: FakeMachine, cfg):
    before = fake.files()
    assert bootstrap.run(fake.machine, cfg, {}, "i-1").warning == ""
    assert fake.files() == before


def test_a_borrowed_session_is_used_and_never_logged_out(guest: Guest):
    guest.fake.lun(guest.fake.session(PATHS["v1"]), "sda", serial="v1")
    guest.service.listed = [attachment("v1")]
    assert results(guest.run()) == {"v1": "ok"}
    assert ledger.read_all(guest.fake.machine)["v1"].borrowed
    assert not list(guest.fake.root.glob("etc/iscsi/nodes/*")), "and no record of ours"
    guest.service.listed = []
    assert results(guest.run()) == {"v1": "ok"}
    assert guest.fake.runner.ran == []
    assert (guest.fake.root / "sys/class/iscsi_session/session1").exists()
    assert ledger.read_all(guest.fake.machine) == {}


def test_detach_unmounts_then_logs_out_then_forgets(guest: Guest, point: Path):
    bring_up(guest, point)
    guest.fake.runner.ran.clear()
    guest.service.listed, guest.service.asked = [attachment("v1", Status.DETACHING)], []
    record = next(guest.fake.root.glob("etc/iscsi/nodes/*/*/default"))
    guest.fake.runner.expect("umount", str(point), then=lambda command: guest.fake.unmounted(point))

    def logged_out(command: Command) -> None:
        assert str(point) not in guest.fake.read("proc/self/mountinfo")
        assert record.exists(), "iscsiadm needs it"
        guest.fake.end_session(1)

    guest.fake.runner.expect("iscsiadm", "-m", "node", "-T", PATHS["v1"].iqn, "-p", "10.0.0.1:3260", "--logout", then=logged_out)
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert guest.fake.runner.programs == ["umount", "iscsiadm"]
    assert guest.service.asked == ["list", "detach a-v1", "report"]
    assert guest.fake.read("etc/fstab") == "# mine\n"
    assert not record.exists()
    assert not list((guest.fake.root / "var/lib/blockstore/volumes").iterdir())
    assert not list((guest.fake.root / "var/lib/blockstore/links").iterdir())


def test_a_busy_one_is_refused_names_the_process_and_stays(guest: Guest, point: Path):
    bring_up(guest, point)
    guest.service.listed, guest.service.asked = [attachment("v1", Status.DETACHING)], []
    process = guest.fake.root / "proc/412"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("postgres\n")
    (process / "cwd").symlink_to(point)
    guest.fake.runner.expect("umount", str(point), code=32, stderr="umount: target is busy.\n")
    verdict = guest.run()
    assert results(verdict) == {"v1": "refused"}
    assert f"{point}: in use by postgres (pid 412)" in verdict.warning
    assert "detach a-v1" not in guest.service.asked
    assert "x-blockstore.volume=v1" in guest.fake.read("etc/fstab")
    assert "v1" in ledger.read_all(guest.fake.machine)


def test_an_unreachable_service_takes_nothing_down(guest: Guest, monkeypatch):
    guest.known("v1")

    def down(deadline: Any) -> Any:
        raise ServiceUnreachable("no answer from http://service")

    monkeypatch.setattr(guest.service, "attachments", down)
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert verdict.warning == ""
    assert "known from before" in verdict.report.notes[0]
    assert guest.fake.runner.ran == []


def test_the_serial_of_another_volume_is_refused_before_any_look_at_the_disk(guest: Guest, point: Path):
    guest.service.listed, guest.wishes = [attachment("v1", blank=True)], {"v1": whole(point)}
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1", serial="another"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "refused"}
    assert "wanted serial 'v1', found 'another'" in verdict.warning
    assert guest.fake.runner.programs == ["iscsiadm"]
    assert "complete a-v1" not in guest.service.asked


def extended(guest: Guest, monkeypatch: pytest.MonkeyPatch, then: Any) -> Verdict:
    """A run after the service said that it has 2 GiB; ``then`` is what the kernel learns when it asks the disk again."""
    volume = replace(attachment("v1").volume, size=2)
    guest.service.listed = [replace(attachment("v1", Status.ATTACHED), volume=volume)]
    monkeypatch.setattr("cc_blockstore.machine.device.rescan", lambda machine, node: then())
    return guest.run()


def test_the_serial_is_looked_at_again_when_the_disk_was_asked_for_its_size(guest: Guest, monkeypatch):
    """The session recovered, and the target has another volume behind the LUN by now: the kernel learns that with the size."""
    guest.known("v1")
    scsi = guest.fake.root / "sys/class/iscsi_session/session1/device/target1:0:0/1:0:0:1"
    verdict = extended(guest, monkeypatch, lambda: (scsi / "vpd_pg80").write_bytes(page_80("another")))
    assert results(verdict) == {"v1": "refused"}
    assert "wanted serial 'v1', found 'another'" in verdict.warning
    assert guest.service.asked == ["list", "report"]


def test_another_disk_after_that_is_refused_though_it_has_the_serial(guest: Guest, monkeypatch):
    """What is held and was looked at is the first one."""
    guest.known("v1")
    session = guest.fake.root / "sys/class/iscsi_session/session1"

    def replaced() -> None:
        shutil.rmtree(session / "device/target1:0:0")
        guest.fake.lun(session, "sdb", serial="v1")

    verdict = extended(guest, monkeypatch, replaced)
    assert results(verdict) == {"v1": "refused"}
    assert "refusing to use /dev/sdb" in verdict.warning


@pytest.mark.parametrize("state", ["LOGGED_IN", "FAILED"])
def test_a_lun_that_came_to_a_connected_target_is_looked_for_once(guest: Guest, monkeypatch, state):
    """The kernel looks at a login and then never again; where the session recovers first, it cannot be told to before."""
    guest.known("v1")
    second = replace(PATHS["v1"], lun=2)
    monkeypatch.setattr(guest.service, "connect", lambda *_: IscsiConnection((second,), None, (), "v2", "v2"))
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2")]
    session, told = guest.fake.root / "sys/class/iscsi_session/session1", []
    (session / "state").write_text(f"{state}\n")
    scan = device.scan

    def scanned(machine: Machine, found: Session, path: IscsiPath) -> None:
        scan(machine, found, path)
        told.append((found.state, guest.fake.scanned()))
        guest.fake.lun(session, "sdb", 2, serial="v2")

    monkeypatch.setattr("cc_blockstore.machine.device.scan", scanned)
    monkeypatch.setattr(guest.fake.clock, "sleep", lambda _: (session / "state").write_text("LOGGED_IN\n"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok", "v2": "ok"}
    assert told == [("LOGGED_IN", "- - 2\n")]
    assert guest.fake.runner.ran == []
    assert [each.changed for each in verdict.report.volumes] == [state == "FAILED", True]
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2", Status.ATTACHED)]
    assert not guest.run().report.changed
    assert len(told) == 1


def test_a_lun_that_is_not_there_is_looked_for_once_and_waited_for(guest: Guest):
    guest.known("v1")
    shutil.rmtree(guest.fake.root / "sys/class/iscsi_session/session1/device/target1:0:0")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed"}
    assert guest.fake.scanned() == "- - 1\n"
    assert guest.fake.runner.ran == []


def test_data_is_refused_and_stays(guest: Guest, point: Path):
    guest.known("v1")
    node = guest.fake.root / "dev/sda"
    with node.open("r+b") as disk:
        disk.seek(512 << 10)
        disk.write(b"data")
    with node.open("rb") as disk:
        before = disk.read(1 << 20)
    guest.service.listed, guest.wishes = [attachment("v1", Status.ATTACHED)], {"v1": whole(point)}
    guest.fake.runner.expect("blkid", "-p", "-o", ..., "/dev/sda", code=2)
    verdict = guest.run()
    assert results(verdict) == {"v1": "refused"}
    assert "no known signature, but data at byte 0" in verdict.warning
    with node.open("rb") as disk:
        assert disk.read(1 << 20) == before


def test_one_without_connection_info_does_not_hold_up_the_others(guest: Guest, monkeypatch):
    guest.service.listed = [attachment("v1"), attachment("v2")]

    def connect(attachment_id: str, connector: Any, deadline: Any) -> Connection:
        if attachment_id == "a-v1":
            raise LoginFailed("the service gave none")
        return connection("v2")

    monkeypatch.setattr(guest.service, "connect", connect)
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v2"))
    assert results(guest.run()) == {"v1": "failed", "v2": "ok"}


def test_a_second_run_waits_for_the_lock_and_gives_up(guest: Guest):
    import fcntl
    import os

    file = guest.fake.write("run/blockstore/lock", "")
    holder = os.open(file, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        assert "another run of blockstore to end" in guest.run().warning
    finally:
        os.close(holder)
    assert guest.service.asked == []


MKFS_FAILS = ("mkfs.ext4", "-q", "-E", "nodiscard", "-U", ..., "/dev/sda")


@pytest.mark.parametrize("way", ["login", "mkfs", "mount", "blkid", "ok"])
def test_no_secret_is_left_anywhere_but_in_the_record(guest: Guest, point: Path, caplog, capsys, way):
    caplog.set_level(logging.DEBUG)
    guest.service.listed, guest.wishes = [attachment("v1", blank=True)], {"v1": whole(point)}
    expect = guest.fake.runner.expect
    if way == "login":
        expect(*LOGIN, code=24, stderr=FAILED_BATCH)
    else:
        expect(*LOGIN, then=guest.logs_in("v1"))
        expect("blkid", "-p", "-o", ..., "/dev/sda", code=8 if way == "blkid" else 2)
    if way in ("mkfs", "mount", "ok"):
        expect("wipefs", "--no-act", "--noheadings", "--output", "TYPE,OFFSET", "/dev/sda")
        expect(*MKFS_FAILS, code=1 if way == "mkfs" else 0, stderr="mkfs.ext4: failed")
    if way in ("mount", "ok"):
        expect("mount", "-t", "ext4", "-o", "_netdev", "/dev/sda", str(point), code=32 if way == "mount" else 0)
    verdict = guest.run()
    assert results(verdict)["v1"] == ("ok" if way == "ok" else "refused" if way == "blkid" else "failed")
    told = [repr(verdict), str(verdict.report.to_wire()), caplog.text, *capsys.readouterr(), repr(guest.fake.runner.ran)]
    told += [" ".join(command.argv) + command.input for command in guest.fake.runner.ran]
    secrets = (PASSWORD, PASSWORD_IN, TOKEN)
    assert not [text for text in told for secret in secrets if secret in text]
    holding = {name for name, data in guest.fake.files().items() for secret in secrets if secret.encode() in data}
    assert holding == {f"etc/iscsi/nodes/{PATHS['v1'].iqn}/10.0.0.1,3260,1/default"}
    assert (guest.fake.root / holding.pop()).stat().st_mode & 0o777 == 0o600
