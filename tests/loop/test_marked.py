"""Volumes in the making: what a power cut left is finished, here or elsewhere; what somebody used is kept, mark or no mark."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blockstore.report import Result
from blockstore.size import MIB
from cc_blockstore.machine import gpt, making
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.plan import gpt as plan_gpt
from tests.files.wishes import wished
from tests.loop.conftest import MakeDisk, MakeInstance
from tests.loop.disk import Disk, run
from tests.loop.instance import SERIAL, Instance, PowerCut

SIZES = {"ext4": 64, "xfs": 330, "btrfs": 128}


def mark(disk: Disk, instance: Instance, layout: str) -> None:
    """As a cut just before the end of a first use would have left it."""
    machine = Machine(Paths(instance.root))
    if layout == "none":
        making.begin(machine, SERIAL, SERIAL)
        return
    table = gpt.see(machine, disk.node, disk.size).copies.table
    assert table is not None
    gpt.write(machine, disk.node, plan_gpt.renamed(plan_gpt.marked(table, [1])))


def is_marked(disk: Disk, instance: Instance) -> bool:
    machine = Machine(Paths(instance.root))
    table = gpt.see(machine, disk.node, disk.size).copies.table
    return making.under_way(machine, SERIAL, SERIAL) or any(map(plan_gpt.making, table.entries if table else ()))


@pytest.mark.parametrize("blank", [True, None, False])
@pytest.mark.parametrize("layout", ["gpt", "none"])
@pytest.mark.parametrize("kind", SIZES)
def test_what_somebody_used_is_kept(
    kind: str, layout: str, blank: bool | None, make_disk: MakeDisk, instance: Instance, place: Path
) -> None:
    """The mark stayed behind, somebody mounted the volume by hand and worked with it."""
    disk = make_disk(SIZES[kind] * MIB)
    wish = wished(partition_table=layout, filesystem=kind, mount=f"{place}/data")
    disk.attach()
    assert instance.bring_up(disk, wish, blank=True).report.result is Result.OK
    (place / "data/file").write_text("mine\n")
    disk.detach()
    disk.attach()
    mark(disk, instance, layout)
    done = instance.bring_up(disk, wish, blank=blank)
    assert (done.report.result, done.processes.wrote) == (Result.OK, [])
    assert (place / "data/file").read_text() == "mine\n"
    assert not is_marked(disk, instance)


@pytest.mark.parametrize("layout", ["gpt", "none"])
def test_what_somebody_put_there_instead_is_kept(layout: str, make_disk: MakeDisk, instance: Instance, place: Path) -> None:
    """Another file system than the one that was in the making, under the mark: it is not ours."""
    disk = make_disk(330 * MIB)
    disk.attach()
    assert instance.bring_up(disk, wished(partition_table=layout), blank=True).report.result is Result.OK
    mark(disk, instance, layout)
    node = disk.node if layout == "none" else disk.partitions[0]
    run("mkfs.xfs", "-q", "-f", node)
    before = disk.contents()
    done = instance.bring_up(disk, wished(partition_table=layout, mount=f"{place}/data"), blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert "found xfs; wished ext4" in done.report.reason
    assert disk.contents() == before


@pytest.mark.parametrize("program", ["mkfs.ext4", "mount"])
def test_a_table_carries_its_mark_to_another_instance(
    program: str, make_disk: MakeDisk, make_instance: MakeInstance, place: Path
) -> None:
    disk, wish = make_disk(64 * MIB), wished(mount=f"{place}/data")
    disk.attach()
    with pytest.raises(PowerCut):
        make_instance().bring_up(disk, wish, blank=True, cut_before=program)
    disk.detach()
    disk.attach()
    done = make_instance().bring_up(disk, wish, blank=True)
    assert (done.report.result, done.report.reason) == (Result.OK, "")


def test_half_a_file_system_on_a_whole_device_is_finished_only_where_its_mark_is(
    make_disk: MakeDisk, make_instance: MakeInstance, place: Path
) -> None:
    """Another instance knows nothing of it and refuses; the one that began it finishes."""
    disk, first = make_disk(64 * MIB), make_instance()
    disk.write(1 * MIB, os.urandom(4096))
    disk.attach()
    making.begin(Machine(Paths(first.root)), SERIAL, SERIAL)
    wish = wished(partition_table="none", mount=f"{place}/data")
    other = make_instance().bring_up(disk, wish, blank=True)
    assert (other.report.result, other.processes.wrote) == (Result.REFUSED, [])
    done = first.bring_up(disk, wish, blank=True)
    assert (done.report.result, done.processes.wrote) == (Result.OK, ["mkfs.ext4"])
    assert not is_marked(disk, first)


def test_a_clone_of_what_is_in_the_making_is_not_taken_for_it(make_disk: MakeDisk, make_instance: MakeInstance) -> None:
    """Its table is another volume's, so the half of a file system on it is nothing that this volume's run began; and a server
    never calls a copy blank."""
    disk = make_disk(64 * MIB)
    disk.attach()
    with pytest.raises(PowerCut):
        make_instance().bring_up(disk, wished(), blank=True, cut_before="mkfs.ext4")
    before = disk.contents()
    done = make_instance().bring_up(disk, wished(), blank=False, serial="another", found="another")
    assert (done.report.result, done.processes.wrote) == (Result.REFUSED, [])
    assert disk.contents() == before
