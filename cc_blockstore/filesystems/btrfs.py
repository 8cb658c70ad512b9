"""btrfs: mkfs.btrfs(8), btrfs-filesystem(8), the superblock: include/uapi/linux/btrfs_tree.h (struct btrfs_super_block)."""

import struct

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, Read, label_option

SUPERBLOCK, FSID, TOTAL_BYTES = 0x10000, 0x20, 0x70


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.btrfs; -K: no discard."""
    return ("mkfs.btrfs", "-q", "-K", "-U", identity, *label_option("-L", label), device)


def unused(read: Read) -> bool:
    """Never: mkfs.btrfs writes its magic number when all else is there, so one that shows is complete."""
    return False


def extent(read: Read, total: int | None) -> int:
    """Of one device."""
    return total if total is not None else int(struct.unpack("<Q", read(SUPERBLOCK + TOTAL_BYTES, 8))[0])


def grow(device: str, point: str) -> tuple[str, ...]:
    """Argv of btrfs filesystem resize."""
    return ("btrfs", "filesystem", "resize", "max", point)


# 109 MiB is what mkfs.btrfs itself names as the least with its default profiles. It takes labels of 255 bytes and keeps 254.
# The kernel resizes none to less than 256 MiB (fs/btrfs/ioctl.c). Before Linux 6.7 it takes a second device with the same
# identity for the first one.
BTRFS = Filesystem(
    name="btrfs", label_bytes=254, smallest=114 * MIB, make=make, untouched=("rescue=nologreplay",), unused=unused,
    extent=extent, grow=grow, grow_smallest=256 * MIB, twin_at=SUPERBLOCK + FSID, twin_kernel=(6, 7),
)  # fmt: skip
