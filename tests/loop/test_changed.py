"""Wishes that changed between two runs, and clones: each has its row in docs/reuse-rules.md."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import run
from tests.loop.instance import Instance

TWO = [{"size": "30MiB"}, {"size": "rest"}]
# First wish, second wish, and what the refusal says.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another label": ({"label": "a"}, {"label": "b"}, "found ext4 labelled 'a'; wished ext4 labelled 'b'"),
    "another file system": ({}, {"filesystem": "btrfs"}, "found ext4; wished btrfs"),
    "no table any more": ({}, {"partition_table": "none"}, "found a gpt partition table with 1 partitions"),
    "a partition added at the end": (
        {"partitions": TWO[:1]}, {"partitions": TWO}, "with 1 partitions (30 MiB); wished a gpt partition table with 2 partitions"
    ),
    "a partition removed": ({"partitions": TWO}, {"partitions": TWO[:1]}, "wished a gpt partition table with 1 partition (ext4)"),
    "a smaller partition": ({"partitions": TWO}, {"partitions": [{"size": "20MiB"}, TWO[1]]}, "found 30 MiB, wished 20 MiB"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_touch_data_is_refused(name: str, make_disk: MakeDisk, instance: Instance) -> None:
    first, second, says = REFUSED[name]
    disk = make_disk(128 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(**first), blank=True).report.result is Result.OK
    before = disk.contents()
    for blank in (True, False, None):
        done = instance.bring_up(disk, wished(**second), blank=blank)
        assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
        assert says in done.report.reason
    assert disk.contents() == before


def test_another_mount_point_moves_the_mount(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(mount=f"{place}/old"), blank=True).report.result is Result.OK
    (place / "old/file").write_text("mine\n")
    done = instance.bring_up(disk, wished(mount=f"{place}/new"), blank=False)
    assert (done.report.result, done.report.reason) == (Result.OK, "")
    assert (place / "new/file").read_text() == "mine\n"
    assert not any((place / "old").iterdir())
    assert (f" {place}/old " in instance.fstab, f" {place}/new " in instance.fstab) == (False, True)


def test_a_busy_mount_does_not_move(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(mount=f"{place}/old"), blank=True).report.result is Result.OK
    with open(place / "old/file", "w"):
        done = instance.bring_up(disk, wished(mount=f"{place}/new"), blank=False)
    assert done.report.result is Result.REFUSED
    assert f"refusing to unmount {place}/old: in use by " in done.report.reason
    assert (place / "old/file").exists()
    assert f" {place}/old " in instance.fstab


def test_no_mount_point_any_more_leaves_it_mounted_until_the_next_boot(
    make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    disk = make_disk(64 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(mount=f"{place}/old"), blank=True).report.result is Result.OK
    done = instance.bring_up(disk, wished(), blank=False)
    assert done.report.result is Result.OK
    assert f"{place}/old" not in instance.fstab


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_clone_is_mounted_beside_its_original(kind: str, make_disk: MakeDisk, make_instance: MakeInstance, place: Path) -> None:
    """The same UUID twice: each device in its own place; xfs needs an option for it, which its line of fstab then has."""
    original, clone, instance = make_disk(330 * MIB), make_disk(330 * MIB), make_instance()
    original.attach()
    wish = {"partition_table": "none", "filesystem": kind}
    assert instance.bring_up(original, wished(**wish, mount=f"{place}/a"), blank=True).report.result is Result.OK
    (place / "a/file").write_text("original\n")
    run("fsfreeze", "--freeze", f"{place}/a")
    shutil.copyfile(original.file, clone.file)
    run("fsfreeze", "--unfreeze", f"{place}/a")
    clone.attach()
    other = make_instance()
    done = other.bring_up(clone, wished(**wish, mount=f"{place}/b"), blank=False)
    assert (done.report.result, done.report.reason) == (Result.OK, "")
    (place / "b/file").write_text("clone\n")
    assert (place / "a/file").read_text() == "original\n"
    assert (f" {place}/b xfs nouuid,_netdev" in other.fstab) == (kind == "xfs")
    for each, disk, point in ((instance, original, "a"), (other, clone, "b")):
        again = each.bring_up(disk, wished(**wish, mount=f"{place}/{point}"), blank=False)
        assert (again.report.result, again.report.changed) == (Result.OK, False)
