"""The file systems that a volume may carry: a registry of data, one file each.

A new one is one new file that holds a `Filesystem`, and one line in `FILESYSTEMS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cc_blockstore.filesystems import btrfs, ext4, swap, vfat, xfs
from cc_blockstore.filesystems.filesystem import Filesystem

FILESYSTEMS: Mapping[str, Filesystem] = {
    each.name: each for each in (ext4.EXT4, xfs.XFS, btrfs.BTRFS, vfat.VFAT, swap.SWAP)
}  # fmt: skip

__all__ = ["FILESYSTEMS", "Filesystem"]
