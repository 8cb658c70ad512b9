"""Volumes side by side: none waits for another one, and what is wrong with one is that one's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from blockstore.attachment import Status, Volume
from blockstore.errors import DeadlineExceeded
from blockstore.waiting import Deadline
from cc_blockstore.machine import filesystem, mount_call
from tests.unit.cc_blockstore.test_bootstrap import FAILED_BATCH, LOGIN, PASSWORD, PATHS, Guest, attachment, bring_up, results
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
