"""What is taken down: unmounted, flushed and let go of; refused where anybody else uses it, whom only the kernel knows."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blockstore.attachment import Attachment, Volume
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import Result, VolumeReport
from blockstore.run import ENVIRONMENT
from blockstore.size import MIB
from blockstore.waiting import CLOCK, Deadline
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.takedown import take_down
from tests.loop.conftest import MakeDisk
from tests.loop.disk import Disk, run
from tests.loop.instance import SERIAL, Instance, LoopTransport, Processes

PATH = IscsiPath(Portal("127.0.0.1"), "iqn.2010-10.org.openstack:volume-a", 1)


class Leaving(LoopTransport):
    """A session that may be closed."""

    closed = False

    def behind(self, machine: Machine, path: IscsiPath) -> list[str]:
        return [self.disk.node]

    def logout(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        self.closed = True

    def forget(self, machine: Machine, path: IscsiPath) -> None:
        assert self.closed


@pytest.fixture
def disk(make_disk: MakeDisk) -> Disk:
    """One with a file system."""
    found = make_disk(64 * MIB)
    found.attach()
    run("mkfs.ext4", "-q", found.node)
    return found


def down(instance: Instance, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> tuple[VolumeReport, bool]:
    """The report, and whether its session was closed."""
    transport = Leaving(disk, SERIAL)
    monkeypatch.setattr("cc_blockstore.takedown.TRANSPORTS", {**TRANSPORTS, "iscsi": transport})
    machine = Machine(Paths(instance.root), Processes(frozenset({disk.node})))
    known = Known(Attachment("a", Volume(SERIAL, "data")), PATH)
    steps = Steps("data", CLOCK.monotonic(), CLOCK)
    return take_down(machine, known, (), Deadline.after(20, CLOCK), steps), transport.closed


@contextmanager
def elsewhere() -> Iterator[None]:
    """A mount namespace that keeps all mounts of now, whatever is unmounted here."""
    script = "echo ready; exec sleep 60"
    argv = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def test_one_in_use_is_unmounted_and_let_go_of(disk: Disk, instance: Instance, place: Path, monkeypatch: pytest.MonkeyPatch):
    place.mkdir(exist_ok=True)
    run("mount", disk.node, str(place))
    (place / "file").write_text("ours\n")
    report, closed = down(instance, disk, monkeypatch)
    assert (report.result, report.reason, closed) == (Result.OK, "", True)
    assert not os.path.ismount(place)


def test_one_that_is_mounted_in_another_namespace(disk: Disk, instance: Instance, place: Path, monkeypatch: pytest.MonkeyPatch):
    place.mkdir(exist_ok=True)
    run("mount", disk.node, str(place))
    with elsewhere():
        report, closed = down(instance, disk, monkeypatch)
    assert (report.result, closed) == (Result.REFUSED, False)
    assert f"refusing to detach {disk.node}: a program has it open for itself, or it is mounted in another" in report.reason


def test_one_that_the_device_mapper_holds(disk: Disk, instance: Instance, monkeypatch: pytest.MonkeyPatch):
    if "device-mapper" not in Path("/proc/devices").read_text():
        pytest.skip("this kernel has no device mapper")
    name = f"blockstore-test-{os.getpid()}"
    run("dmsetup", "create", name, "--table", f"0 {disk.size // 512} linear {disk.node} 0")
    try:
        report, closed = down(instance, disk, monkeypatch)
    finally:
        run("dmsetup", "remove", name)
    assert (report.result, closed) == (Result.REFUSED, False)
    assert f"refusing to detach {disk.node}: in use by dm-" in report.reason
