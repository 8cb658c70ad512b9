"""What a scenario is: how the disk is prepared, what is recorded, the wish of the next run, where user data is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blockstore.report import Result
from cc_blockstore.wish import VolumeWish
from tests.crash import user_data
from tests.crash.disk import LoggedDisk
from tests.loop.disk import Disk, run
from tests.loop.instance import Done, Instance

PLACE = Path("/mnt")  # in the worker's own mount namespace, with a file system of its own: nobody else sees it
SECONDS = 10.0


Run = Callable[[Instance, Disk, VolumeWish, "bool | None"], Done]
Prepare = Callable[[Disk, Instance], None]


def bring_up(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """A run of ours."""
    return instance.bring_up(disk, wish, blank=blank, seconds=SECONDS)


def untouched(disk: Disk, instance: Instance) -> None:
    """A new volume of a new instance."""


class Session:
    """What can be done while everything is recorded. The disk is attached before, and detached afterwards."""

    def __init__(self, scenario: Scenario, noted: LoggedDisk, instance: Instance, wish: VolumeWish) -> None:
        self.scenario, self.instance, self.wish = scenario, instance, wish
        self._noted = noted
        self._last: Done | None = None

    @property
    def last(self) -> Done:
        """The last run."""
        assert self._last is not None, "nothing was run"
        return self._last

    def run(self) -> None:
        """A run, which must end well; from here on the server may know that it did."""
        with self._noted.starts():
            self._last = self.scenario.run(self.instance, self._noted.disk, self.wish, self.scenario.blank)
        report = self.last.report
        if report.result is not Result.OK:
            raise RuntimeError(f"{self.scenario.name}: the recorded run: {report.result.value}: {report.reason}")
        self._noted.mark("done")

    def put_user_data(self) -> None:
        """From here on every state has user data, which no next run may lose."""
        user_data.put(self.last.report.filesystems)
        self._noted.mark("data")

    def extend(self, size: int) -> None:
        """The server extends the volume while it is in use, and the kernel has asked for its size again."""
        disk = self._noted.disk
        if disk.size < size:
            os.truncate(disk.file, size)
            run("losetup", "--set-capacity", disk.node)


def nothing_else(disk: Disk, done: Done) -> str:
    """Nothing is wrong beside what is always looked at."""
    return ""


def first_use(session: Session) -> None:
    """A run, and then a user's data."""
    session.run()
    session.put_user_data()


@dataclass(frozen=True)
class Scenario:
    """``prepare`` is given the disk, not attached, and the instance as they are before the recording; it may attach it, and
    detaches it again. ``recorded`` is what is recorded. ``wish`` and ``blank`` are those of the recorded runs, ``next_wish`` that
    of the run after the cut (None: the same). ``holds_data``: `user_data.put` was called in the preparation, so that every
    state must keep it. ``check`` says what else is wrong with how a run after the cut ended, "" for nothing (the disk is
    attached, everything mounted). ``run`` is what is recorded, ``next_run`` what is proven; a test of the tier itself puts a
    wrong one in its place. The functions go to a worker process: those of a module, or `functools.partial` of them."""

    layout: str
    filesystem: str
    size: int
    wish: VolumeWish
    prepare: Prepare = untouched
    recorded: Callable[[Session], None] = first_use
    blank: bool | None = True
    next_wish: VolumeWish | None = None
    holds_data: bool = False
    sector: int = 512
    check: Callable[[Disk, Done], str] = nothing_else
    run: Run = bring_up
    next_run: Run = bring_up

    @property
    def name(self) -> str:
        return f"{self.layout}-{self.filesystem}"

    @property
    def after(self) -> VolumeWish:
        """What the next run is asked for."""
        return self.next_wish or self.wish
