"""What is recorded, and what the next run is asked for: layouts x file systems.

A scenario is (how the disk is prepared, the run that is recorded, the wish of the next run, whether user data is there already).
Another one is one more value in `SCENARIOS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blockstore.size import MIB
from cc_blockstore.wish import VolumeWish
from tests.files.wishes import wished
from tests.loop.disk import Disk
from tests.loop.instance import Done, Instance

PLACE = Path("/mnt")  # in the worker's own mount namespace, with a file system of its own: nobody else sees it
USER_DATA, CONTENT = "user-data", "a user's bytes, 27 of them\n" * 400
SECONDS = 10.0

# Sizes that the tools accept, in MiB, and what stands beside each file system on two partitions.
SIZES = {"ext4": 64, "xfs": 320, "btrfs": 128, "vfat": 64, "swap": 32}
BESIDE = {"ext4": "swap", "xfs": "ext4", "btrfs": "vfat", "vfat": "btrfs", "swap": "xfs"}
MOUNTABLE = ("ext4", "xfs", "btrfs")  # this kernel has no vfat

Run = Callable[[Instance, Disk, VolumeWish, "bool | None"], Done]


def bring_up(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """A run of ours."""
    return instance.bring_up(disk, wish, blank=blank, seconds=SECONDS)


def untouched(disk: Disk, instance: Instance) -> None:
    """A new volume of a new instance."""


@dataclass(frozen=True)
class Scenario:
    """``prepare`` is given the disk, not attached, and the instance as they are before the recording; it may attach it, and
    detaches it again. ``wish`` and ``blank`` are those of the recorded run, ``next_wish`` that of the run after the cut
    (None: the same). ``holds_data``: `put_user_data` was called in the preparation, so that every state must keep it.
    ``run`` is what is recorded, ``next_run`` what is proven; a test of the tier itself puts a wrong one in its place."""

    layout: str
    filesystem: str
    size: int
    wish: VolumeWish
    prepare: Callable[[Disk, Instance], None] = untouched
    blank: bool | None = True
    next_wish: VolumeWish | None = None
    holds_data: bool = False
    run: Run = bring_up
    next_run: Run = bring_up

    @property
    def name(self) -> str:
        return f"{self.layout}-{self.filesystem}"

    @property
    def after(self) -> VolumeWish:
        """What the next run is asked for."""
        return self.next_wish or self.wish


def put_user_data(wish: VolumeWish) -> None:
    """A user's file on every mounted file system, durable when this returns. One that is there already is left alone."""
    for each in wish.filesystems:
        if each.mount and not has_user_data(Path(each.mount)):
            with open(Path(each.mount, USER_DATA), "w") as file:
                file.write(CONTENT)
                file.flush()
                os.fsync(file.fileno())
            folder = os.open(each.mount, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(folder)
            os.close(folder)


def has_user_data(folder: Path) -> bool:
    """Whether the user's file is there as it was."""
    file = folder / USER_DATA
    return file.is_file() and file.read_bytes() == CONTENT.encode()


def _one(kind: str, folder: str, label: str) -> dict[str, str]:
    mount = {"mount": str(PLACE / folder)} if kind in MOUNTABLE else {}
    return {"filesystem": kind, "label": label, **mount}


def one_partition(kind: str) -> Scenario:
    """A GPT with one partition."""
    wish = wished(partitions=[{"size": "rest", **_one(kind, "one", "ONE")}])
    return Scenario("gpt1", kind, (SIZES[kind] + 4) * MIB, wish)


def two_partitions(kind: str) -> Scenario:
    """A GPT with two partitions of different types."""
    beside = BESIDE[kind]
    first = {"size": f"{SIZES[kind]}MiB", **_one(kind, "one", "ONE")}
    wish = wished(partitions=[first, {"size": "rest", **_one(beside, "two", "TWO")}])
    return Scenario("gpt2", kind, (SIZES[kind] + SIZES[beside] + 4) * MIB, wish)


def no_table(kind: str) -> Scenario:
    """One file system on the whole volume."""
    return Scenario("none", kind, SIZES[kind] * MIB, wished(partition_table="none", **_one(kind, "one", "ONE")))


SCENARIOS = {
    each.name: each
    for kind in SIZES
    for each in (one_partition(kind), two_partitions(kind), no_table(kind))
}  # fmt: skip
