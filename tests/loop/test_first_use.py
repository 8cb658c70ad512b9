"""Empty disks in, wishes, disks and mounts out; and again, where nothing may change."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk
from tests.loop.disk import Disk, run
from tests.loop.instance import SERIAL, Instance, PowerCut

VFAT = "\tvfat" in Path("/proc/filesystems").read_text()


@dataclass(frozen=True)
class DiskTest:
    """An empty disk of ``size`` MiB and a wish; then of each file system: type, label, size in MiB (None: any), mount."""

    size: int
    wish: dict[str, Any]
    after: list[tuple[str, str, int | None, str]]
    table: str = "gpt"
    sector: int = 512


TESTS = {
    "ext4 on a gpt": DiskTest(64, {"mount": "{}/data"}, [("ext4", "", None, "{}/data")]),
    "xfs on the whole device": DiskTest(
        300, {"partition_table": "none", "filesystem": "xfs", "mount": "{}/data"}, [("xfs", "", 300, "{}/data")], table=""
    ),
    "ext4 and swap": DiskTest(
        64,
        {"partitions": [{"size": "40MiB", "mount": "{}/a"}, {"size": "rest", "filesystem": "swap"}]},
        [("ext4", "", 40, "{}/a"), ("swap", "", None, "")],
    ),
    "btrfs on the whole device": DiskTest(
        128, {"partition_table": "none", "filesystem": "btrfs", "mount": "{}/b"}, [("btrfs", "", 128, "{}/b")], table=""
    ),
    "btrfs on a gpt": DiskTest(128, {"filesystem": "btrfs", "mount": "{}/b"}, [("btrfs", "", None, "{}/b")]),
    "vfat on the whole device": DiskTest(
        32, {"partition_table": "none", "filesystem": "vfat", "label": "EXCHANGE"}, [("vfat", "EXCHANGE", 32, "")], table=""
    ),
    "vfat on a gpt": DiskTest(32, {"filesystem": "vfat"}, [("vfat", "", None, "")]),
    "swap on the whole device": DiskTest(
        16, {"partition_table": "none", "filesystem": "swap", "label": "more"}, [("swap", "more", 16, "")], table=""
    ),
    "a label with a space and an umlaut": DiskTest(64, {"label": "grün 1", "mount": "{}/d"}, [("ext4", "grün 1", None, "{}/d")]),
    "a mount point with a space": DiskTest(64, {"mount": "{}/a b/c"}, [("ext4", "", None, "{}/a b/c")]),
    "made, not mounted": DiskTest(64, {}, [("ext4", "", None, "")]),
    "three partitions, one of them left alone": DiskTest(
        64,
        {"partitions": [{"size": "20MiB", "mount": "{}/a"}, {"size": "10MiB", "filesystem": "none"},
                        {"size": "rest", "label": "c", "mount": "{}/c"}]},
        [("ext4", "", 20, "{}/a"), ("", "", 10, ""), ("ext4", "c", None, "{}/c")],
    ),
    "sectors of 4 KiB": DiskTest(64, {"mount": "{}/data"}, [("ext4", "", None, "{}/data")], sector=4096),
    "the smallest that ext4 takes on a gpt": DiskTest(10, {"mount": "{}/data"}, [("ext4", "", None, "{}/data")]),
}  # fmt: skip


def placed(value: Any, place: Path) -> Any:
    """The table's ``{}`` is where this test mounts."""
    if isinstance(value, dict):
        return {key: placed(each, place) for key, each in value.items()}
    if isinstance(value, list):
        return [placed(each, place) for each in value]
    return value.replace("{}", str(place)) if isinstance(value, str) else value


def tag(node: str, name: str) -> str:
    argv = ("blkid", "-p", "-o", "value", "-s", name, node)
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8", **os.environ}
    ).stdout.strip()


def source_of(point: str) -> str:
    return run("findmnt", "--noheadings", "--mountpoint", point, "--output", "SOURCE,FSTYPE").strip()


@pytest.mark.parametrize("name", TESTS)
def test_first_use_and_again(name: str, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    test = TESTS[name]
    disk, wish = make_disk(test.size * MIB, test.sector), wished(**placed(test.wish, place))
    disk.attach()

    first = instance.bring_up(disk, wish, blank=True)
    assert (first.report.result, first.report.reason) == (Result.OK, "")
    assert first.report.changed
    nodes = [disk.node] if not test.table else disk.partitions
    assert tag(disk.node, "PTTYPE") == test.table
    assert len(nodes) == len(test.after)
    for node, (kind, label, size, mount) in zip(nodes, placed([list(each) for each in test.after], place), strict=True):
        assert (tag(node, "TYPE"), tag(node, "LABEL")) == (kind, label)
        assert size is None or int(run("blockdev", "--getsize64", node)) == size * MIB
        assert not mount or source_of(mount).split() == [node, kind]
        assert kind != "swap" or node in Path("/proc/swaps").read_text()
    shown = [(each.device, each.type, each.uuid, each.label) for each in first.report.filesystems]
    assert shown == [(node, kind, tag(node, "UUID"), label) for node, (kind, label, *_) in zip(nodes, test.after) if kind]

    lines = instance.fstab.splitlines()
    mine = [line for line in lines if f"x-blockstore.volume={SERIAL}" in line]
    assert len(mine) == sum(bool(mount) or kind == "swap" for kind, _, _, mount in test.after)
    assert lines[:2] == ["# theirs", "/dev/vda / ext4 defaults 0 1"]
    written = instance.fstab

    again = instance.bring_up(disk, wish, blank=False)
    assert (again.report.result, again.report.reason) == (Result.OK, "")
    assert not again.report.changed
    assert again.processes.wrote == []
    # No udev runs here, so a glance knows nothing and every device is looked at: nothing but blkid is started.
    assert set(again.processes.programs) <= {"blkid"}
    assert again.report.filesystems == first.report.filesystems
    assert instance.fstab == written


def test_the_processes_of_a_first_use(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Two looks, since a loop device has no target that says what it has stored, and one mkfs; the table is written and the file
    system is mounted without a process."""
    disk = make_disk(64 * MIB)
    disk.attach()
    done = instance.bring_up(disk, wished(mount=f"{place}/data"), blank=True)
    assert done.processes.programs == ["blkid", "wipefs", "mkfs.ext4"]


def test_the_kernel_is_shown_an_ext4_when_it_is_made(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """udev puts off what it hears of while we hold the disk. What cannot be made at an offset needs its node before."""
    shown = {}
    for kind in ("ext4", "xfs"):
        disk = make_disk(330 * MIB)
        disk.attach()
        with pytest.raises(PowerCut):
            instance.bring_up(disk, wished(filesystem=kind, mount=f"{place}/{kind}"), blank=True, cut_before=f"mkfs.{kind}")
        shown[kind] = [*disk.partitions]
        assert instance.bring_up(disk, wished(filesystem=kind, mount=f"{place}/{kind}"), blank=True).report.result is Result.OK
        disk.detach()
    assert not shown["ext4"]
    assert shown["xfs"]


def test_owner_mode_and_options(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk, point = make_disk(64 * MIB), place / "data"
    disk.attach()
    wish = wished(mount=str(point), owner="nobody:daemon", mode="0750", options=["noatime", "nodev"])
    assert instance.bring_up(disk, wish).report.result is Result.OK
    found = os.stat(point)
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 1, 0o750)
    options = run("findmnt", "--noheadings", "--mountpoint", str(point), "--output", "OPTIONS")
    assert {"noatime", "nodev", "rw"} <= set(options.strip().split(","))
    assert f" {point} ext4 noatime,nodev,_netdev,nofail,x-systemd.device-timeout=" in instance.fstab
    os.chown(point, 0, 0)
    again = instance.bring_up(disk, wish)
    assert (again.report.changed, os.stat(point).st_uid) == (True, 65534)
    assert not instance.bring_up(disk, wish).report.changed


def test_an_owner_that_there_is_none_of_fails_after_the_mount_with_its_name(
    make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    done = instance.bring_up(disk, wished(mount=f"{place}/data", owner="nobody-of-that-name"))
    assert done.report.result is Result.FAILED
    assert "owner 'nobody-of-that-name': no such user or group" in done.report.reason


def test_fstab(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk, point = make_disk(64 * MIB), place / "a b"
    disk.attach()
    partitions = [{"size": "40MiB", "mount": str(point)}, {"size": "rest", "filesystem": "swap"}]
    done = instance.bring_up(disk, wished(partitions=partitions))
    assert done.report.result is Result.OK
    ours = f"_netdev,nofail,x-systemd.device-timeout=30,x-blockstore.volume={SERIAL} 0 0"
    escaped = str(point).replace(" ", "\\040")
    assert instance.fstab == (
        "# theirs\n/dev/vda / ext4 defaults 0 1\n"
        f"/dev/disk/by-blockstore/{SERIAL}-part1 {escaped} ext4 defaults,{ours}\n"
        f"/dev/disk/by-blockstore/{SERIAL}-part2 none swap noauto,{ours}\n"
    )  # fmt: skip
    # mount(8) itself reads the same point and device from it.
    assert run(
        "findmnt",
        "--fstab",
        "--tab-file",
        str(instance.root / "etc/fstab"),
        "-n",
        "-o",
        "TARGET",
        f"/dev/disk/by-blockstore/{SERIAL}-part1",
    ).strip() == str(point)


def test_every_byte_of_a_volume_nobody_wishes_anything_of_stays(make_disk: MakeDisk, instance: Instance) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    before = disk.contents()
    done = instance.bring_up(disk, None, blank=True)
    assert (done.report.result, done.report.filesystems, done.processes.started) == (Result.OK, (), [])
    assert disk.contents() == before == {}
    assert SERIAL not in instance.fstab


@pytest.mark.skipif(not VFAT, reason="this kernel mounts no vfat")
def test_vfat_is_mounted(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(32 * MIB)
    disk.attach()
    done = instance.bring_up(disk, wished(filesystem="vfat", mount=f"{place}/v"))
    assert done.report.result is Result.OK


@contextmanager
def looked_at(disk: Disk) -> Iterator[None]:
    """udev looks at it all the time (it has the lock of a disk shared meanwhile)."""
    with open(disk.node, "rb") as node:
        fcntl.flock(node, fcntl.LOCK_SH)
        yield


@pytest.mark.parametrize(
    ("untouched", "wish", "result"),
    [
        (True, {}, Result.OK),
        (False, {}, Result.FAILED),
        (True, {"filesystem": "swap"}, Result.FAILED),
        (True, {"partition_table": "none"}, Result.FAILED),
    ],
    ids=["unseen until complete", "something may be there", "made when shown", "on the whole device"],
)
def test_udev_is_waited_for_where_it_could_disturb(
    make_disk: MakeDisk, instance: Instance, monkeypatch: pytest.MonkeyPatch, untouched: bool, wish: Any, result: Result
) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    monkeypatch.setattr("cc_blockstore.shape.untouched", lambda *_, **__: untouched)
    with looked_at(disk):
        report = instance.bring_up(disk, wished(**wish), seconds=3).report
    assert report.result is result, report.reason
    assert (disk.contents() == {}) is (result is not Result.OK)
    assert result is Result.OK or f"udev to be done with {disk.node}" in report.reason


def top(point: Path) -> str:
    """The device that one sees there."""
    return run("findmnt", "--noheadings", "--output", "SOURCE", "--target", str(point)).split()[-1]


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_mount_point_below_another_is_not_hidden(
    inner_first: bool, make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    partitions = [{"size": "20MiB", "mount": f"{place}/a/b"}, {"size": "20MiB", "mount": f"{place}/a"}]
    wish = wished(partitions=partitions if inner_first else partitions[::-1])
    done = instance.bring_up(disk, wish, blank=True)
    assert done.report.result is Result.OK
    devices = {each.mount: each.device for each in done.report.filesystems}
    assert top(place / "a/b") == devices[f"{place}/a/b"]
    assert top(place / "a") == devices[f"{place}/a"]
    points = [line.split()[1] for line in instance.fstab.splitlines()[2:]]
    assert points == [f"{place}/a", f"{place}/a/b"]
    again = instance.bring_up(disk, wish)
    assert (again.report.result, again.report.changed) == (Result.OK, False)
