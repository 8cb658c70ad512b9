"""Recording a run: what it does to the disk and to the instance's own files, entry by entry."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from blockstore.report import FilesystemReport
from cc_blockstore.wish import VolumeWish
from tests.crash import log, private
from tests.crash.disk import LoggedDisk, logged
from tests.crash.image import Image
from tests.crash.log import SECTOR, Entry, Mark
from tests.crash.scenario import Scenario, Session
from tests.crash.states import State, Unit
from tests.crash.states import states as all_states
from tests.crash.tree import Tree, load, restore
from tests.loop.disk import Disk, run, sparse
from tests.loop.instance import Instance


@dataclass(frozen=True)
class Recording:
    """``holds_data``: user data was there before the first entry. ``volume_id`` is one of its own: XFS
    and btrfs know the UUIDs that follow from it across the machine. ``size`` is that of the disk at the end, ``unit`` what it
    does not tear (`superblocks`)."""

    base: Image
    size: int
    entries: tuple[Entry, ...]
    trees: tuple[Tree, ...]
    holds_data: bool
    volume_id: str
    unit: Unit

    def states(self, seed: int) -> list[State]:
        """Every crash state of it, each once."""
        return list(all_states(self.base, self.entries, seed, self.unit))

    def data_expected(self, position: int) -> bool:
        """Whether a state of this moment holds user data."""
        return self.holds_data or position >= self.after("data")

    def doing(self, position: int) -> str:
        """What was going on at a moment: the entry before it, and who did it."""
        if not position:
            return "at the beginning"
        done = [each for each in self.entries[:position] if isinstance(each, Mark) and each.kind in ("start", "done", "data")]
        program = (done[-1].text.split()[0] if done[-1].text else f"after {done[-1].kind}") if done else "the run"
        return f"{program}, {type(self.entries[position - 1]).__name__.lower()}"

    def after(self, kind: str) -> int:
        """The position behind a mark."""
        marks = (number for number, entry in enumerate(self.entries, start=1) if isinstance(entry, Mark) and entry.kind == kind)
        return next(marks, len(self.entries) + 1)


def fresh(scenario: Scenario, folder: Path) -> Recording:
    """Prepare a disk as the scenario says, and record its run."""
    folder.mkdir(parents=True)
    disk, instance = sparse(folder / "disk", scenario.size, scenario.sector), _instance(folder / "root")
    scenario.prepare(disk, instance)
    return _record(scenario, scenario.wish, folder, instance, holds_data=scenario.holds_data)


def _instance(root: Path) -> Instance:
    return replace(Instance.fresh(root), volume_id=str(uuid.uuid4()))


def continued(scenario: Scenario, folder: Path, recording: Recording, state: State) -> Recording:
    """Record the run that comes after a crash state."""
    folder.mkdir(parents=True)
    state.image.save(folder / "disk", recording.size)
    restore(recording.trees[state.tree], folder / "root")
    holds_data = recording.data_expected(state.position)
    return _record(scenario, scenario.after, folder, Instance(folder / "root", recording.volume_id), holds_data=holds_data)


def _record(scenario: Scenario, wish: VolumeWish, folder: Path, instance: Instance, *, holds_data: bool) -> Recording:
    run("cp", "--sparse=always", str(folder / "disk"), str(folder / "base"))
    shutil.rmtree(instance.root / "run")  # the machine was off
    (instance.root / "run").mkdir()
    private.boot()
    with logged(folder, instance.root, scenario.sector) as noted, _syncs(noted, instance.root):
        noted.disk.attach()
        session = Session(scenario, noted, instance, wish)
        scenario.recorded(session)
        made = session.last.report.filesystems
        whole = [found for each in made for found in superblocks(noted.disk, each)]
        noted.disk.detach()
        noted.mark("end")
    facts = {"holds_data": holds_data, "volume_id": instance.volume_id, "whole": whole, "sector": scenario.sector}
    (folder / "facts").write_text(json.dumps(facts | {"size": (folder / "disk").stat().st_size}))
    return load_recording(folder)


def load_recording(folder: Path) -> Recording:
    """A recording that was kept."""
    facts, base = json.loads((folder / "facts").read_text()), folder / "base"
    entries = tuple(log.without_repeated_flushes(log.read(folder)))
    count = len(list((folder / "trees").iterdir()))
    trees = tuple(load((folder / "trees" / str(number)).read_text()) for number in range(count))
    unit = Unit(facts["sector"], tuple((begin, end) for begin, end in facts["whole"]))
    return Recording(Image.of(base), facts["size"], entries, trees, facts["holds_data"], facts["volume_id"], unit)


def discard(folder: Path) -> None:
    """Forget a recording that nobody wants to keep."""
    shutil.rmtree(folder)


def superblocks(disk: Disk, found: FilesystemReport) -> list[tuple[int, int]]:
    """Where the kernel keeps the superblock of a mounted file system that is longer than a sector and overwritten in place.

    ext4 and btrfs count on this write to be whole: torn, its checksum is wrong, and only e2fsck -y or btrfs rescue can
    help. Nothing that a run of ours does or leaves changes that, so it is no state of this proof; what mkfs writes there before
    the first mount is.
    """
    ranges = {"ext4": (1024, 2048), "btrfs": (65536, 69632)}
    start = Path("/sys/class/block", Path(found.device).name, "start")
    at = int(start.read_text()) * SECTOR if found.device != disk.node else 0
    return [(at + ranges[found.type][0], at + ranges[found.type][1])] if found.type in ranges else []


@contextlib.contextmanager
def _syncs(noted: LoggedDisk, root: Path) -> Iterator[None]:
    """Tell the log which of the instance's files and folders were made durable."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)
        if path.is_relative_to(root):
            noted.mark("synced", str(path.relative_to(root)))
            noted.mark("look")

    with mock.patch("os.fsync", fsync):
        yield
