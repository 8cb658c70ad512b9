"""docs/reuse-rules.md, "growth"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blockstore.size import GIB, MIB
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.growth import Place, decide
from cc_blockstore.wish import FilesystemWish
from tests.unit.rules import action, row, same

FULL = Content("/dev/sda1", 10 * GIB, kind="ext4", extent=10 * GIB - MIB)
ROOM = replace(FULL, extent=8 * GIB)
BTRFS = FilesystemWish("btrfs", mount="/srv")
EXT4, VFAT, SWAP = FilesystemWish("ext4", mount="/srv"), FilesystemWish("vfat", mount="/srv"), FilesystemWish("swap")
MOUNTED, NOWHERE = Place.MOUNTED, Place.NOWHERE

TABLE = [
    row("growth-1", "keep", FULL, EXT4, MOUNTED, True),
    row("growth-2", "keep", replace(FULL, extent=None), EXT4, MOUNTED, True),
    row("growth-3", "keep", ROOM, EXT4, MOUNTED, False),
    row("growth-4", "keep", replace(ROOM, read_only=True), EXT4, MOUNTED, True),
    row("growth-5", "grow", ROOM, EXT4, MOUNTED, True),
    row("growth-6", "keep", ROOM, EXT4, NOWHERE, True),
    row("growth-7", "grow", ROOM, SWAP, NOWHERE, True),
    row("growth-8", "keep", ROOM, SWAP, MOUNTED, True),
    row("growth-9", "keep", ROOM, VFAT, MOUNTED, True),
    row("growth-10", "keep", Content("/dev/sda1", 255 * MIB, kind="btrfs", extent=128 * MIB), BTRFS, MOUNTED, True),
]


def test_the_page_holds_the_same_rows():
    same("growth", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, wish, place, grow = given
    assert action(decide(wish, seen, place, grow=grow)) == expected


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_each_that_can_grow_online_does(kind):
    assert action(decide(FilesystemWish(kind, mount="/srv"), ROOM, MOUNTED, grow=True)) == "grow"
