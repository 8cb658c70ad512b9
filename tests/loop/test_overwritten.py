"""`overwrite: true`: what is not as wished is destroyed, once; what is in use, and what an overwriting made, never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import Disk, run
from tests.loop.instance import Instance, PowerCut
from tests.loop.test_refused import ambivalent, bytes_at, ext4_with_files, luks, on_device, partitioned, vg

NONE: dict[str, Any] = {"partition_table": "none"}
BEFORE: dict[str, Callable[[Disk, Path], None]] = {
    "ext4 with files": ext4_with_files,
    "a dos table with a file system": partitioned("label: dos\nsize=20MiB\n", ("mkfs.ext4", "-q")),
    "a gpt of other sizes": partitioned("label: gpt\nsize=20MiB\nsize=20MiB\n", ("mkfs.ext4", "-q"), ("mkfs.ext4", "-q")),
    "LVM": vg,
    "LUKS": luks,
    "swap": on_device("mkswap"),
    "two file systems at once": ambivalent,
    "data without a signature": bytes_at(32 * MIB, b"x" * 100 * 4096),
}


def overwriting(**wish: Any) -> Any:
    return wished(overwrite=True, **wish)


@pytest.mark.parametrize("layout", ["gpt", "none"])
@pytest.mark.parametrize("name", BEFORE)
def test_it_takes_effect_once(name: str, layout: str, make_disk: MakeDisk, make_instance: MakeInstance, place: Path) -> None:
    disk, instance = make_disk(64 * MIB), make_instance()
    BEFORE[name](disk, place)
    disk.attach()
    wish = {"partition_table": layout, "filesystem": "ext4", "label": "new", "mount": f"{place}/data"}
    first = instance.bring_up(disk, overwriting(**wish), blank=False)
    assert (first.report.result, first.report.reason) == (Result.OK, "")
    (place / "data/file").write_text("mine\n")

    for again in (instance, make_instance()):  # the same instance, and one that has never seen the volume
        disk.detach()
        disk.attach()
        done = again.bring_up(disk, overwriting(**wish), blank=False)
        assert (done.report.result, done.processes.wrote) == (Result.OK, [])
        assert (place / "data/file").read_text() == "mine\n"

    changed = {**wish, "label": "other"}
    for again in (instance, make_instance()):
        done = again.bring_up(disk, overwriting(**changed), blank=False)
        assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
        assert "overwrite counts once, and was done" in done.report.reason
    assert (place / "data/file").read_text() == "mine\n"


def test_what_is_as_wished_is_not_destroyed(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(64 * MIB)
    ext4_with_files(disk, place)
    disk.attach()
    done = instance.bring_up(disk, overwriting(**NONE, label="old", mount=f"{place}/data"), blank=False)
    assert (done.report.result, done.processes.wrote) == (Result.OK, [])
    assert (place / "data/file").read_text() == "theirs\n"


def test_only_the_file_system_that_is_not_as_wished(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """The table fits, and so does one of two partitions: its files stay."""
    disk = make_disk(64 * MIB)
    sizes = [{"size": "30MiB", "mount": f"{place}/a"}, {"size": "rest", "filesystem": "swap"}]
    disk.attach()
    assert instance.bring_up(disk, wished(partitions=sizes), blank=True).report.result is Result.OK
    (place / "a/file").write_text("mine\n")
    disk.detach()
    disk.attach()
    sizes[1] = {"size": "rest", "filesystem": "ext4", "mount": f"{place}/b"}
    done = instance.bring_up(disk, overwriting(partitions=sizes), blank=False)
    assert (done.report.result, done.report.reason) == (Result.OK, "")
    assert [argv[-1] for argv in done.processes.started if argv[0] == "mkfs.ext4"] == [f"{disk.node}p2"]
    assert (place / "a/file").read_text() == "mine\n"


def test_what_is_mounted_is_never_destroyed(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(64 * MIB)
    ext4_with_files(disk, place)
    disk.attach()
    (place / "theirs").mkdir()
    run("mount", "-o", "ro", disk.node, str(place / "theirs"))
    before = disk.contents()
    done = instance.bring_up(disk, overwriting(mount=f"{place}/data"), blank=False)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert f"in use by the mount {place}/theirs" in done.report.reason
    assert disk.contents() == before


def test_a_read_only_attachment_is_never_destroyed(make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    disk = make_disk(64 * MIB)
    ext4_with_files(disk, place)
    before = disk.contents()
    disk.attach()
    done = instance.bring_up(disk, overwriting(), blank=True, mode="ro")
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert disk.contents() == before


@pytest.mark.parametrize("program", ["wipefs", "mkfs.xfs", "mkfs.ext4", "mount"])
@pytest.mark.parametrize("layout", ["gpt", "none"])
def test_a_cut_in_between_is_finished(program: str, layout: str, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Before this program starts; the document says still the same."""
    disk = make_disk(330 * MIB)
    ext4_with_files(disk, place)
    disk.attach()
    kind = "ext4" if program == "mkfs.ext4" else "xfs"
    wish = overwriting(partition_table=layout, filesystem=kind, label="new", mount=f"{place}/data")
    with pytest.raises(PowerCut):
        instance.bring_up(disk, wish, blank=False, cut_before=program)
    disk.detach()
    disk.attach()
    done = instance.bring_up(disk, wish, blank=False)
    assert (done.report.result, done.report.reason) == (Result.OK, "")


@pytest.mark.parametrize("program", ["", "mkfs.ext4"])
def test_a_file_system_that_a_new_table_uncovers_goes_too(
    program: str, make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    """It begins where the new partition does, and is of the wished type: it is not what the new partition is to hold."""
    disk = make_disk(64 * MIB)
    partitioned("label: gpt\nsize=20MiB\nsize=20MiB\n", ("mkfs.ext4", "-q", "-L", "old"), ("mkfs.ext4", "-q"))(disk, place)
    disk.attach()
    wish = overwriting(mount=f"{place}/data")
    if program:
        with pytest.raises(PowerCut):
            instance.bring_up(disk, wish, blank=False, cut_before=program)
        disk.detach()
        disk.attach()
    done = instance.bring_up(disk, wish, blank=False)
    assert (done.report.result, done.report.reason, done.processes.wrote) == (Result.OK, "", ["mkfs.ext4"])
    assert done.report.filesystems[0].label == ""
