"""Disks that were used before: what is as wished is taken as it is, and what was begun is finished."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import Disk, attached, mounted, run
from tests.loop.instance import Instance, PowerCut

TEXT = "theirs\n"


def with_file(disk: Disk, place: Path) -> Disk:
    """An ext4 with a file on the whole device."""
    with attached(disk):
        run("mkfs.ext4", "-q", "-L", "old", disk.node)
    with mounted(disk, place / "before") as folder:
        (folder / "file").write_text(TEXT)
    return disk


@pytest.mark.parametrize("blank", [None, False, True])
@pytest.mark.parametrize("label", ["", "old"])
def test_a_matching_file_system_is_mounted_with_its_files(
    blank: bool | None, label: str, make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    disk = with_file(make_disk(64 * MIB), place)
    disk.attach()
    done = instance.bring_up(disk, wished(partition_table="none", label=label, mount=f"{place}/data"), blank=blank)
    assert (done.report.result, done.processes.wrote) == (Result.OK, [])
    assert (place / "data/file").read_text() == TEXT
    assert done.report.filesystems[0].label == "old"


def test_a_volume_that_moved_is_recognised(make_disk: MakeDisk, make_instance: MakeInstance, place: Path) -> None:
    """Another instance, which has never seen it: the disk alone says that all is as wished."""
    disk, wish = make_disk(64 * MIB), wished(
        partitions=[{"size": "40MiB", "label": "a", "mount": f"{place}/a"}, {"size": "rest", "mount": f"{place}/b"}]
    )  # fmt: skip
    disk.attach()
    first = make_instance().bring_up(disk, wish, blank=True)
    (place / "a/file").write_text(TEXT)
    disk.detach()

    disk.attach()
    other = make_instance()
    done = other.bring_up(disk, wish, blank=False)
    assert (done.report.result, done.processes.wrote) == (Result.OK, [])
    assert (place / "a/file").read_text() == TEXT
    assert [each.uuid for each in done.report.filesystems] == [each.uuid for each in first.report.filesystems]
    assert all(f"-part{n} {each.mount} ext4" in other.fstab for n, each in enumerate(done.report.filesystems, 1))


@pytest.mark.parametrize("reboot", [False, True])
@pytest.mark.parametrize("program", ["mkfs.ext4", "mkswap", "mount"])
def test_what_a_power_cut_left_is_finished(
    program: str, reboot: bool, make_disk: MakeDisk, make_instance: MakeInstance, place: Path
) -> None:
    """The cut comes before this program starts: the table is written, or a first file system as well."""
    disk, wish = make_disk(64 * MIB), wished(
        partitions=[{"size": "40MiB", "mount": f"{place}/a"}, {"size": "rest", "filesystem": "swap"}]
    )  # fmt: skip
    disk.attach()
    instance = make_instance()
    with pytest.raises(PowerCut):
        instance.bring_up(disk, wish, blank=True, cut_before=program)
    if reboot:
        disk.detach()
        disk.attach()
    done = instance.bring_up(disk, wish, blank=True)
    assert (done.report.result, done.report.reason) == (Result.OK, "")
    assert "sfdisk" not in done.processes.programs
    # What is marked and shows a file system that nobody can have used is made anew: it may be half of one.
    left = {"mkfs.ext4": ["mkfs.ext4", "mkswap"], "mkswap": ["mkfs.ext4", "mkswap"], "mount": []}
    assert done.processes.wrote == left[program]
    assert [each.type for each in done.report.filesystems] == ["ext4", "swap"]


def test_a_table_that_was_written_but_never_read_by_the_kernel(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """The cut came between sfdisk and BLKRRPART; after the reboot the kernel has read it."""
    disk = make_disk(64 * MIB)
    with attached(disk):
        run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk.node, text='label: gpt\nname="blockstore-1"\n')
    disk.attach()
    done = instance.bring_up(disk, wished(mount=f"{place}/data"), blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.OK, ["mkfs.ext4"])


def test_read_only_with_a_matching_file_system(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Mounted read-only, and not a byte is different for it."""
    disk = with_file(make_disk(64 * MIB), place)
    before = disk.contents()
    disk.attach(read_only=True)
    wish = wished(partition_table="none", mount=f"{place}/data", owner="nobody", mode="0700")
    done = instance.bring_up(disk, wish, mode="ro")
    assert (done.report.result, done.report.reason) == (Result.OK, "")
    assert (place / "data/file").read_text() == TEXT
    with pytest.raises(OSError, match="Read-only"):
        (place / "data/new").touch()
    assert f" {place}/data ext4 ro,noload,_netdev," in instance.fstab
    assert not instance.bring_up(disk, wish, mode="ro").report.changed
    disk.detach()
    assert disk.contents() == before


def test_read_only_on_a_device_that_can_be_written(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """The attachment says ro, the target does not enforce it: still not a byte is different."""
    disk = with_file(make_disk(64 * MIB), place)
    before = disk.contents()
    disk.attach()
    done = instance.bring_up(disk, wished(partition_table="none", mount=f"{place}/data", mode="0700"), mode="ro")
    assert done.report.result is Result.OK
    disk.detach()
    assert disk.contents() == before


def test_read_only_with_a_journal_that_was_not_replayed(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """The disk of a machine that lost its power, attached read-only: not a byte is different, mounted or not."""
    lost, disk = make_disk(64 * MIB), make_disk(64 * MIB)
    with attached(lost):
        run("mkfs.ext4", "-q", lost.node)
    with mounted(lost, place / "before") as folder:
        (folder / "file").write_text(TEXT)
        run("sync", "--file-system", str(folder))
        lost.contents()
        shutil.copyfile(lost.file, disk.file)
    before = disk.contents()
    disk.attach()
    instance.bring_up(disk, wished(partition_table="none", mount=f"{place}/data"), mode="ro")
    disk.detach()
    assert disk.contents() == before


def test_a_mount_that_is_there_already_is_kept(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = with_file(make_disk(64 * MIB), place)
    disk.attach()
    (place / "data").mkdir()
    run("mount", disk.node, str(place / "data"))
    done = instance.bring_up(disk, wished(partition_table="none", mount=f"{place}/data"))
    assert (done.report.result, done.processes.programs) == (Result.OK, ["blkid"])


def test_grown_device_with_room_behind_the_partitions_is_left_as_it_is(
    make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    """Partitions of fixed sizes that leave room are as wished."""
    disk = make_disk(64 * MIB)
    disk.attach()
    wish = wished(partitions=[{"size": "20MiB", "mount": f"{place}/a"}])
    assert instance.bring_up(disk, wish).report.result is Result.OK
    (place / "a/file").write_text(TEXT)
    disk.detach()
    with open(disk.file, "r+b") as handle:
        handle.truncate(96 * MIB)
    disk.attach()
    done = instance.bring_up(disk, wish)
    assert (done.report.result, done.processes.wrote) == (Result.OK, [])
    assert (place / "a/file").read_text() == TEXT


@pytest.mark.parametrize("dangling", [False, True])
def test_a_mount_point_behind_a_link_is_found_again(dangling: bool, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk, wish = make_disk(64 * MIB), wished(mount=f"{place}/link/data")
    disk.attach()
    place.mkdir()
    (place / "link").symlink_to("real")
    if not dangling:
        (place / "real").mkdir()
    first = instance.bring_up(disk, wish, blank=True)
    assert (first.report.result, first.report.filesystems[0].mount) == (Result.OK, f"{place}/link/data")
    assert f" {place}/real/data ext4 " in instance.fstab
    again = instance.bring_up(disk, wish)
    assert (again.report.result, again.report.changed) == (Result.OK, False)


def test_a_mount_moves_with_the_link_that_leads_to_its_mount_point(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk, wish = make_disk(64 * MIB), wished(mount=f"{place}/link")
    disk.attach()
    place.mkdir()
    (place / "link").symlink_to("one")
    assert instance.bring_up(disk, wish, blank=True).report.result is Result.OK
    (place / "link").unlink()
    (place / "link").symlink_to("two")
    done = instance.bring_up(disk, wish)
    assert (done.report.result, done.report.changed) == (Result.OK, True)
    assert run("findmnt", "--noheadings", "--output", "TARGET", "--source", done.report.filesystems[0].device) == f"{place}/two\n"
    assert f" {place}/one " not in instance.fstab
