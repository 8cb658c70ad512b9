"""Volumes side by side: none waits for another one, and what is wrong with one is that one's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from blockstore.attachment import Status, Volume
from blockstore.errors import DeadlineExceeded
from blockstore.values import replace
from blockstore.waiting import Deadline
from cc_blockstore import planning
from cc_blockstore.document.parse import parse
from cc_blockstore.machine import filesystem, mount_call
from tests.unit.cc_blockstore.test_bootstrap import (
    FAILED_BATCH,
    LOGIN,
    PASSWORD,
    PATHS,
    Guest,
    attachment,
    bring_up,
    results,
    whole,
)
from tests.unit.fakes import FakeMachine


@pytest.fixture
def guest(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Guest:
    """No volume is known yet."""
    return Guest(fake, monkeypatch)


@pytest.mark.parametrize("required", [False, True])
def test_two_that_fail_do_not_hold_up_the_third(guest: Guest, required):
    guest.service.listed = [attachment("v1"), attachment("v2"), attachment("v3")]
    guest.wishes = {"v2": {"filesystem": "none", "partition_table": "none", "required": required}}
    guest.fake.runner.expect(*LOGIN, code=24, stderr=FAILED_BATCH, then=guest.logs_in("v3"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "failed", "v3": "ok"}
    assert guest.fake.runner.programs == ["iscsiadm"]
    assert "name-v1: authentication refused by 10.0.0.1:3260" in verdict.warning
    told = verdict.error if required else verdict.warning
    assert "name-v2: no answer from 10.0.0.1:3260" in told
    assert bool(verdict.error) is required
    assert "complete a-v3" in guest.service.asked
    assert "complete a-v1" not in guest.service.asked


def test_a_dead_portal_costs_the_deadline_and_no_more(guest: Guest):
    guest.service.listed = [attachment("v1")]
    guest.fake.runner.expect(*LOGIN, then=lambda command: guest.fake.session(PATHS["v1"], state="FAILED") and None)
    begun = guest.fake.clock.now
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed"}
    assert 55 < guest.fake.clock.now - begun < 65


def test_a_bug_in_one_volume_costs_that_one_and_says_nothing_of_what_it_quotes(guest: Guest, monkeypatch):
    """Whatever is raised: the others come up, and the text of an error that nobody foresaw may hold anything."""
    guest.known("v1")
    guest.known("v2", number=2)
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2", Status.ATTACHED)]

    def settle(machine: Any, volume: Volume, node: str, deadline: Any) -> None:
        if volume.id == "v1":
            raise ValueError(PASSWORD)

    monkeypatch.setattr("cc_blockstore.machine.device.settle", settle)
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "ok"}
    assert "name-v1: unexpected ValueError" in verdict.warning
    assert PASSWORD not in repr(verdict)


def test_where_fstab_cannot_be_written_the_volumes_are_up_and_it_is_told(guest: Guest, monkeypatch):
    def update(*_: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cc_blockstore.machine.fstab.update", update)
    guest.known("v1")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert "fstab: [Errno 28] No space left on device" in verdict.warning


def test_of_many_that_wait_for_udev_one_looks_and_all_come_up(fake: FakeMachine, monkeypatch):
    """Three file systems that udev sees after a while: each look is one of whoever's turn it is."""
    looks: list[str] = []

    def properties(machine: Any, node: str) -> dict[str, str]:
        looks.append(node)
        return {"ID_FS_UUID": "u"} if len(looks) > 20 else {}

    monkeypatch.setattr("cc_blockstore.machine.content.udev_properties", properties)
    fake.write("run/udev/control", "")
    nodes = ["/dev/sda1", "/dev/sdb1", "/dev/sdc1"]
    with ThreadPoolExecutor(3) as pool:
        deadline = Deadline.after(30, fake.clock)
        waits = [pool.submit(filesystem.settle, fake.machine, node, "u", deadline) for node in nodes]
    assert [each.result() for each in waits] == [None, None, None]
    assert len(looks) == 21 + 2


def test_one_that_udev_never_sees_fails_alone(fake: FakeMachine, monkeypatch):
    monkeypatch.setattr(
        "cc_blockstore.machine.content.udev_properties", lambda _, node: {} if node == "/dev/sda1" else {"ID_FS_UUID": "u"}
    )
    fake.write("run/udev/control", "")
    fake.write("sys/class/block/sda1/uevent", "")
    deadline = Deadline.after(30, fake.clock)
    with pytest.raises(DeadlineExceeded, match="udev to see the new file system on /dev/sda1"):
        filesystem.settle(fake.machine, "/dev/sda1", "u", deadline)
    filesystem.settle(fake.machine, "/dev/sdb1", "u", deadline)


@pytest.mark.parametrize("seen", [True, False])
def test_udev_is_asked_to_look_again_at_a_disk_that_it_saw_before(guest: Guest, tmp_path: Path, monkeypatch, seen):
    """When all else is done: its event would take the processor from the volumes that still come up. One that it has not seen
    yet it will find complete."""
    told: list[bool] = []
    status = guest.fake.root / "run/blockstore/status.json"
    monkeypatch.setattr("cc_blockstore.shape.Shape.written", True)
    monkeypatch.setattr("cc_blockstore.machine.device.refresh_one", lambda machine, node: told.append(status.exists()))
    monkeypatch.setattr("cc_blockstore.machine.device.seen_by_udev", lambda machine, node: seen)
    assert results(bring_up(guest, tmp_path / "srv/data")) == {"v1": "ok"}
    assert told == [True] * seen


def test_what_is_mounted_does_not_wait_for_udev(guest: Guest, tmp_path: Path):
    """systemd takes a mounted device for there before udev has told it of it."""
    guest.fake.write("run/udev/control", "")
    begun = guest.fake.clock.now
    assert results(bring_up(guest, tmp_path / "srv/data")) == {"v1": "ok"}
    assert guest.fake.clock.now - begun < 1


def test_what_is_only_attached_is_there_when_its_link_is(guest: Guest):
    guest.known("v1")
    guest.fake.write("run/udev/control", "")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed"}
    assert "udev to link /dev/sda" in verdict.warning


@pytest.mark.parametrize("logged_in", [True, False])
def test_what_only_a_mount_needs_is_loaded_while_a_login_is_waited_for(guest: Guest, monkeypatch, logged_in):
    """Of one that open-iscsi logged in to at boot, the file systems are mounted."""
    loaded: list[None] = []
    monkeypatch.setattr(mount_call, "load", lambda: loaded.append(None))
    guest.service.listed = [attachment("v1", Status.ATTACHED if logged_in else Status.RESERVED)]
    if logged_in:
        guest.known("v1")
    else:
        guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v1"))
    assert results(guest.run()) == {"v1": "ok"}
    assert len(loaded) == (not logged_in)


class Nest:
    """Two volumes that carry what is wished already, the first on a folder, the second below it."""

    def __init__(self, guest: Guest, tmp_path: Path) -> None:
        self.guest, self.outer, self.inner = guest, tmp_path / "srv", tmp_path / "srv/b"
        for number, name in enumerate(("v1", "v2"), 1):
            guest.known(name, number=number)
        guest.service.listed = [attachment("v2", Status.ATTACHED), attachment("v1", Status.ATTACHED)]
        guest.wishes = {"v1": whole(self.outer), "v2": whole(self.inner)}

    def looked_at(self, node: str, then: Callable[[Any], None] | None = None) -> None:
        self.guest.fake.runner.expect("blkid", "-p", "-o", ..., node, stdout="ID_FS_TYPE=ext4\nID_FS_UUID=1-1\n", then=then)

    def mounts(self, node: str, point: Path, code: int = 0) -> None:
        fake = self.guest.fake
        then = (lambda _: None) if code else (lambda _: fake.mounted(node, point))
        fake.runner.expect("mount", "-t", "ext4", "-o", "_netdev", node, str(point), code=code, then=then)

    @property
    def mounted(self) -> list[str]:
        return [command.argv[-1] for command in self.guest.fake.runner.ran if command.argv[0] == "mount"]


@pytest.fixture
def nest(guest: Guest, tmp_path: Path) -> Nest:
    return Nest(guest, tmp_path)


def test_of_nested_mount_points_the_outer_comes_first_however_long_it_takes(nest: Nest):
    ready = threading.Event()
    nest.looked_at("/dev/sdb", then=lambda _: ready.set())
    nest.looked_at("/dev/sda", then=lambda _: ready.wait(10) and None)  # the inner one is made ready meanwhile
    nest.mounts("/dev/sda", nest.outer)
    nest.mounts("/dev/sdb", nest.inner)
    assert results(nest.guest.run()) == {"v1": "ok", "v2": "ok"}
    assert nest.mounted == [str(nest.outer), str(nest.inner)]
    points = [line.split()[1] for line in nest.guest.fake.read("etc/fstab").splitlines()]
    assert points == [str(nest.outer), str(nest.inner)]
    nest.guest.fake.runner.ran.clear()
    for name in ("sda", "sdb"):
        nest.guest.fake.udev(name, ID_FS_TYPE="ext4", ID_FS_UUID="1-1")
    assert results(nest.guest.run()) == {"v1": "ok", "v2": "ok"}
    assert nest.guest.fake.runner.ran == []


def test_what_is_below_one_that_fails_is_not_mounted_on_the_root_disk(nest: Nest):
    nest.looked_at("/dev/sda")
    nest.looked_at("/dev/sdb")
    nest.mounts("/dev/sda", nest.outer, code=32)
    verdict = nest.guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "refused"}
    assert (
        f"refusing to mount /dev/sdb on {nest.inner}: it lies below {nest.outer} of 'name-v1', which is not up" in verdict.warning
    )
    assert nest.mounted == [str(nest.outer)]
    assert not nest.inner.exists()
    assert str(nest.inner) not in nest.guest.fake.read("etc/fstab")


def test_nor_below_one_that_is_left_alone(nest: Nest):
    """The wish for the outer one fits two volumes, so that none of them gets it."""
    nest.guest.service.listed.append(replace(attachment("v3"), volume=Volume("v3", "name-v1")))
    nest.guest.wishes = {"name-v1": whole(nest.outer), "v2": whole(nest.inner)}
    nest.looked_at("/dev/sdb")
    assert results(nest.guest.run()) == {"v1": "refused", "v2": "refused", "v3": "refused"}
    assert nest.mounted == []


def test_what_is_mounted_already_stays_and_is_not_hidden(nest: Nest):
    """The inner one was wished alone until now."""
    nest.looked_at("/dev/sdb")  # and the outer one is not: it is known before that it may not be mounted
    nest.inner.mkdir(parents=True)
    nest.guest.fake.mounted("/dev/sdb", nest.inner)
    verdict = nest.guest.run()
    assert results(verdict) == {"v1": "refused", "v2": "ok"}
    assert f"it would hide {nest.inner}, where /dev/sdb is mounted (umount {nest.inner} first)" in verdict.warning
    assert nest.mounted == []


def test_a_dead_portal_holds_up_those_below_it_and_nobody_else(guest: Guest, tmp_path: Path):
    guest.service.listed = [attachment("v1"), attachment("v2"), attachment("v3")]
    guest.wishes = {"v1": whole(tmp_path / "srv"), "v2": whole(tmp_path / "srv/b"), "v3": whole(tmp_path / "opt")}
    guest.fake.runner.expect(*LOGIN, then=guest.logs_in("v2", "v3"))
    guest.fake.session(PATHS["v1"], 8, state="FAILED")
    for node in ("/dev/sda", "/dev/sdb"):
        guest.fake.runner.expect("blkid", "-p", "-o", ..., node, stdout="ID_FS_TYPE=ext4\nID_FS_UUID=1-1\n")
    mount = ("mount", "-t", "ext4", "-o", "_netdev", "/dev/sdb", str(tmp_path / "opt"))
    guest.fake.runner.expect(*mount, then=lambda _: guest.fake.mounted("/dev/sdb", tmp_path / "opt"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "refused", "v3": "ok"}
    steps = {each.id: {step.step: step for step in each.steps} for each in verdict.report.volumes}
    assert steps["v3"]["mount"].start_ms < 30_000 < 59_000 < steps["v2"]["mount"].start_ms
    assert steps["v2"]["filesystem"].start_ms < 30_000, "all but the mount is done meanwhile"


def test_a_mount_point_behind_a_link_is_found_again_and_sealed_by_its_name(guest: Guest, tmp_path: Path):
    (tmp_path / "link").symlink_to("real")
    guest.known("v1")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    guest.wishes = {"v1": whole(tmp_path / "link/data")}
    point = tmp_path / "real/data"
    guest.fake.runner.expect("blkid", "-p", "-o", ..., "/dev/sda", stdout="ID_FS_TYPE=ext4\nID_FS_UUID=1-1\n")
    mount = ("mount", "-t", "ext4", "-o", "_netdev", "/dev/sda", str(point))
    guest.fake.runner.expect(*mount, then=lambda _: guest.fake.mounted("/dev/sda", point))
    assert results(guest.run()) == {"v1": "ok"}
    assert f" {point} ext4 " in guest.fake.read("etc/fstab")
    guest.fake.udev("sda", ID_FS_TYPE="ext4", ID_FS_UUID="1-1")
    guest.fake.runner.ran.clear()
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert guest.fake.runner.ran == []
    assert verdict.report.volumes[0].filesystems[0].mount == str(tmp_path / "link/data")


def test_a_link_on_the_outer_volume_is_not_followed(nest: Nest, tmp_path: Path):
    nest.looked_at("/dev/sda")
    nest.looked_at("/dev/sdb")

    def mounted(_: Any) -> None:
        nest.guest.fake.mounted("/dev/sda", nest.outer)
        nest.inner.symlink_to(tmp_path / "elsewhere")

    nest.guest.fake.runner.expect("mount", "-t", "ext4", "-o", "_netdev", "/dev/sda", str(nest.outer), then=mounted)
    verdict = nest.guest.run()
    assert results(verdict) == {"v1": "ok", "v2": "refused"}
    assert f"on {nest.inner}: a link on another volume leads to {tmp_path}/elsewhere" in verdict.warning


def told(nest: Nest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What `blockstore plan` says of each volume's mount."""
    guest = nest.guest
    monkeypatch.setattr(planning, "client_of", lambda document, machine: guest.service)
    document = parse({"endpoint": "http://service", "volumes": guest.wishes})
    steps = planning.planned(guest.fake.machine, document)[0]
    return {each.volume: f"{each.verb} {each.why}" for each in steps if each.step == "mount"}


def test_the_plan_tells_the_same_of_nested_mount_points(nest: Nest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("sda", "sdb"):
        nest.guest.fake.udev(name, ID_FS_TYPE="ext4", ID_FS_UUID="1-1")
    assert [each.split()[0] for each in told(nest, monkeypatch).values()] == ["do", "do"]
    nest.inner.mkdir(parents=True)
    nest.guest.fake.mounted("/dev/sdb", nest.inner)
    found = told(nest, monkeypatch)
    assert f"would hide {nest.inner}" in found["name-v1"]
    assert found["name-v2"].startswith("keep")
    nest.guest.fake.unmounted(nest.inner)
    nest.guest.fake.mounted("/dev/sdz", nest.outer)
    found = told(nest, monkeypatch)
    assert found["name-v1"].startswith(f"refuse refusing to mount /dev/sda over {nest.outer}")
    assert f"lies below {nest.outer} of 'name-v1', which is not up" in found["name-v2"]
    nest.guest.fake.unmounted(nest.outer)
    nest.guest.fake.mounted("/dev/sda", nest.outer)
    nest.inner.rmdir()
    nest.inner.symlink_to(tmp_path / "elsewhere")
    assert "a link on another volume leads to" in told(nest, monkeypatch)["name-v2"]
