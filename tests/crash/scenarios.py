"""The scenarios: layouts x file systems for a first use, and what may happen to a volume later. Another one is one more value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from blockstore.report import Result
from blockstore.size import MIB
from cc_blockstore.wish import VolumeWish
from tests.crash import user_data
from tests.crash.scenario import PLACE, Scenario, Session, bring_up
from tests.crash.user_data import MOUNTABLE
from tests.files.wishes import wished
from tests.loop.disk import Disk, attached, run
from tests.loop.instance import Done, Instance

# Sizes that the tools accept, in MiB, and what stands beside each file system on two partitions.
SIZES = {"ext4": 64, "xfs": 320, "btrfs": 128, "vfat": 64, "swap": 32}
BESIDE = {"ext4": "swap", "xfs": "ext4", "btrfs": "vfat", "vfat": "btrfs", "swap": "xfs"}
# What can follow a larger device, and the least from which it can.
GROWING = {"ext4": 64, "xfs": 330, "btrfs": 300, "swap": 16}

# Growing a mounted ext4 takes CAP_SYS_RESOURCE (fs/ext4/ioctl.c), which root of a container may lack.
CAPABILITIES = int(re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[1], 16)  # type: ignore[index]
MAY_RESIZE_EXT4 = bool(CAPABILITIES >> 24 & 1)


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


def large_sectors(kind: str) -> Scenario:
    """A disk with logical sectors of 4 KiB."""
    return replace(one_partition(kind), layout="gpt1-4k", sector=4096)


def grown(first: Scenario) -> Scenario:
    """A volume with user data, extended while it is in use (swap: while it is off)."""
    size = (GROWING[first.filesystem] + 4) * MIB

    return replace(
        first, layout=f"grow-{first.layout}", size=size, prepare=partial(_used, first.wish), recorded=_extended, blank=False,
        holds_data=True, check=fills,
    )  # fmt: skip


def _used(wish: VolumeWish, disk: Disk, instance: Instance) -> None:
    with attached(disk):
        done = bring_up(instance, disk, wish, True)
        assert done.report.result is Result.OK, done.report.reason
        user_data.put(done.report.filesystems)
    if not any(each.mount for each in wish.filesystems):
        os.truncate(disk.file, 2 * disk.size)


def _extended(session: Session) -> None:
    session.run()
    session.extend(2 * session.scenario.size)
    session.run()


def fills(disk: Disk, done: Done) -> str:
    """Whether the last file system has all of the disk that it can have."""
    last = done.report.filesystems[-1]
    if last.type == "swap":
        lines = [line.split() for line in Path("/proc/swaps").read_text().splitlines()]
        room = next(int(words[2]) * 1024 for words in lines if words[0] == last.device)
    else:
        room = os.statvfs(last.mount).f_blocks * os.statvfs(last.mount).f_frsize
    return "" if room > disk.size * 0.75 else f"{last.type} on {last.device} has {room} of {disk.size} bytes"


def overwritten(first: Scenario, before: str, *, table: str = "") -> Scenario:
    """A volume with another file system, or a table of other partitions with one, that the user wishes to be destroyed."""
    wish, prepare = replace(first.wish, overwrite=True), partial(_foreign, before, table)
    return replace(first, layout=f"overwrite-{first.layout}", wish=wish, prepare=prepare, blank=False)


def _foreign(kind: str, table: str, disk: Disk, instance: Instance) -> None:
    if table:
        run("sfdisk", "--quiet", str(disk.file), text=table)
    with attached(disk):
        node = disk.partitions[-1] if table else disk.node
        run(f"mkfs.{kind}", "-q", node)
        run("mount", node, str(PLACE))
        (PLACE / "old").write_text("old\n" * 10000)
        run("umount", str(PLACE))


def _all() -> Iterator[Scenario]:
    for kind in SIZES:
        yield from (one_partition(kind), two_partitions(kind), no_table(kind))
    yield from (large_sectors(kind) for kind in ("ext4", "xfs"))
    for kind in GROWING:
        if kind != "ext4" or MAY_RESIZE_EXT4:
            yield from (grown(one_partition(kind)), grown(no_table(kind)))
    yield overwritten(one_partition("ext4"), "ext4")
    yield overwritten(one_partition("xfs"), "btrfs", table="label: gpt\nsize=20MiB\nsize=200MiB\n")
    yield overwritten(two_partitions("swap"), "ext4", table="label: dos\nsize=60MiB\n")
    yield overwritten(no_table("xfs"), "ext4")
    yield overwritten(no_table("btrfs"), "ext4", table="label: gpt\nsize=60MiB\n")
    yield overwritten(no_table("ext4"), "ext4")
    yield overwritten(no_table("swap"), "ext4")


SCENARIOS = {each.name: each for each in _all()}
