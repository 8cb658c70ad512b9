"""A volume that was extended: partition and file system follow while they are in use, files stay; nothing ever shrinks."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import Disk, attached, run
from tests.loop.instance import Instance

# File system and its first size in MiB.
KINDS = {"ext4": 64, "xfs": 330, "btrfs": 300}

# Growing a mounted ext4 takes CAP_SYS_RESOURCE (fs/ext4/ioctl.c), which root of a container may lack; guests show it then.
MAY_RESIZE = bool(int(re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[1], 16) >> 24 & 1)  # type: ignore[index]
resizes = pytest.mark.skipif(not MAY_RESIZE, reason="no CAP_SYS_RESOURCE: the kernel lets nobody grow a mounted ext4 here")
FILLED = [pytest.param("ext4", marks=resizes), "xfs", "btrfs"]


def extend(disk: Disk, size: int) -> None:
    """The server does so while it is attached, and the kernel has asked for the size again."""
    os.truncate(disk.file, size)
    run("losetup", "--set-capacity", disk.node)


def room(point: Path) -> int:
    found = os.statvfs(point)
    return found.f_blocks * found.f_frsize


@pytest.mark.parametrize("layout", ["gpt", "none"])
@pytest.mark.parametrize("kind", FILLED)
def test_it_follows_while_it_is_mounted(kind: str, layout: str, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    size, point = KINDS[kind], place / "data"
    disk, wish = make_disk(size * MIB), wished(partition_table=layout, filesystem=kind, mount=str(point))
    disk.attach()
    assert instance.bring_up(disk, wish, blank=True).report.result is Result.OK
    (point / "file").write_text("mine\n")
    before = room(point)
    with open(point / "file", "a") as busy:  # in use all the time
        extend(disk, 2 * size * MIB)
        done = instance.bring_up(disk, wish, blank=False)
        busy.write("more\n")
    assert (done.report.result, done.report.reason, done.report.changed) == (Result.OK, "", True)
    assert room(point) - before > 0.9 * size * MIB
    assert (point / "file").read_text() == "mine\nmore\n"
    assert done.processes.wrote == []
    again = instance.bring_up(disk, wish, blank=False)
    assert (again.report.changed, set(again.processes.programs) <= {"blkid"}) == (False, True)

    disk.detach()  # a reboot: what the disk says of itself is as large
    disk.attach()
    later = instance.bring_up(disk, wish, blank=False)
    assert (later.report.result, later.processes.wrote, "resize2fs" in later.processes.programs) == (Result.OK, [], False)
    assert (point / "file").read_text() == "mine\nmore\n"


@pytest.mark.parametrize("layout", ["gpt", "none"])
def test_swap_is_made_anew_only_when_it_is_off(layout: str, make_disk: MakeDisk, instance: Instance) -> None:
    disk, wish = make_disk(16 * MIB), wished(partition_table=layout, filesystem="swap", label="more")
    disk.attach()
    first = instance.bring_up(disk, wish, blank=True)
    extend(disk, 64 * MIB)
    on = instance.bring_up(disk, wish, blank=False)
    assert (on.report.result, on.processes.wrote) == (Result.OK, [])
    disk.detach()
    disk.attach()
    off = instance.bring_up(disk, wish, blank=False)
    assert (off.report.result, off.report.reason, off.processes.wrote) == (Result.OK, "", ["mkswap"])
    size = int(next(line for line in Path("/proc/swaps").read_text().splitlines() if line.startswith(disk.node)).split()[2])
    assert size * 1024 > 60 * MIB
    assert [(each.uuid, each.label) for each in off.report.filesystems] == [(e.uuid, e.label) for e in first.report.filesystems]


def test_the_last_of_two_partitions_grows_and_the_first_does_not(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(800 * MIB)
    wish = wished(
        partitions=[
            {"size": "330MiB", "filesystem": "xfs", "mount": f"{place}/a"},
            {"size": "rest", "filesystem": "xfs", "mount": f"{place}/b"},
        ]
    )
    disk.attach()
    assert instance.bring_up(disk, wish, blank=True).report.result is Result.OK
    first, second = room(place / "a"), room(place / "b")
    extend(disk, 1200 * MIB)
    assert instance.bring_up(disk, wish, blank=False).report.result is Result.OK
    assert room(place / "a") == first
    assert room(place / "b") > second + 350 * MIB


def test_a_last_partition_that_is_wished_larger(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(900 * MIB)
    disk.attach()
    assert instance.bring_up(
        disk, wished(partitions=[{"size": "330MiB", "filesystem": "xfs", "mount": f"{place}/a"}]), blank=True
    ).report.result is (Result.OK)
    before = room(place / "a")
    larger = wished(partitions=[{"size": "660MiB", "filesystem": "xfs", "mount": f"{place}/a"}])
    assert instance.bring_up(disk, larger, blank=False).report.result is Result.OK
    assert room(place / "a") > before + 300 * MIB
    smaller = instance.bring_up(
        disk, wished(partitions=[{"size": "400MiB", "filesystem": "xfs", "mount": f"{place}/a"}]), blank=False
    )
    assert smaller.report.result is Result.REFUSED
    assert "partition 1: found 660 MiB, wished 400 MiB" in smaller.report.reason


def test_what_boots_from_a_table_of_others_stays(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Boot code and the disk's signature stand in the first sector (what grub-install puts there for a BIOS)."""
    disk = make_disk(351 * MIB)
    with attached(disk):
        run("sfdisk", "--quiet", disk.node, text="label: gpt\nstart=1MiB, size=20MiB\nstart=21MiB\n")
    with attached(disk):
        run("mkfs.xfs", "-q", disk.partitions[1])
    code = b"BOOTCODE" * 55 + b"\x12\x34\x56\x78"
    disk.write(0, code)
    os.truncate(disk.file, 420 * MIB)
    disk.attach()
    wish = wished(
        partitions=[{"size": "20MiB", "filesystem": "none"}, {"size": "rest", "filesystem": "xfs", "mount": f"{place}/data"}]
    )
    done = instance.bring_up(disk, wish)
    assert (done.report.result, done.report.reason, done.report.changed) == (Result.OK, "", True)
    assert room(place / "data") > 321 * MIB
    with open(disk.node, "rb") as device:
        first = device.read(512)
    assert first[:444] == code
    assert struct.unpack_from("<I", first, 446 + 12) == (420 * MIB // 512 - 1,)


def test_grow_false_leaves_it(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk, wish = make_disk(64 * MIB), wished(grow=False, mount=f"{place}/data")
    disk.attach()
    assert instance.bring_up(disk, wish, blank=True).report.result is Result.OK
    before = room(place / "data")
    extend(disk, 128 * MIB)
    done = instance.bring_up(disk, wish, blank=False)
    assert (done.report.result, done.report.changed, room(place / "data")) == (Result.OK, False, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wish", [{}, {"partition_table": "none"}])
def test_a_smaller_device_is_refused_and_unchanged(
    kind: str, wish: dict[str, Any], make_disk: MakeDisk, make_instance: MakeInstance, place: Path
) -> None:
    """Not even `overwrite` helps: a device that lost its end is nothing that a document can have meant."""
    disk = make_disk(2 * KINDS[kind] * MIB)
    disk.attach()
    made = make_instance().bring_up(disk, wished(**wish, filesystem=kind), blank=True)
    assert made.report.result is Result.OK
    disk.detach()
    os.truncate(disk.file, KINDS[kind] * MIB)
    before = disk.contents()
    disk.attach()
    done = make_instance().bring_up(disk, wished(**wish, filesystem=kind, mount=f"{place}/data", overwrite=True), blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert "a volume is never shrunk" in done.report.reason
    disk.detach()
    assert disk.contents() == before
