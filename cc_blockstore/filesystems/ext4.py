"""ext4: mke2fs(8), ext4(5), resize2fs(8); the superblock: Documentation/filesystems/ext4/super.rst."""

import struct

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, Read, label_option

SUPERBLOCK, SIXTY_FOUR_BIT = 1024, 0x80
ORPHANS = "orphan_file_size=64k"


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.ext4. No discard: the volume was found empty, and an UNMAP of all of it costs minutes on some targets."""
    return ("mkfs.ext4", "-q", "-E", "nodiscard", "-U", identity, *label_option("-L", label), device)


def make_at(device: str, label: str, identity: str, offset: int, size: int) -> tuple[str, ...]:
    """The same at an offset of a device that is larger."""
    where = f"nodiscard,offset={offset}"
    return ("mkfs.ext4", "-q", "-E", where, "-U", identity, *label_option("-L", label), device, f"{size >> 10}k")


def tuned(argv: tuple[str, ...], text: str) -> tuple[str, ...]:
    """A small orphan file, where this mkfs makes one (mke2fs.conf(5), features): at each mount the kernel reads all of it, block
    by block (fs/ext4/orphan.c), which is a round trip to the target for each of up to 512. What does not fit goes to the list
    that served before there was such a file."""
    if "orphan_file" not in text:
        return argv
    return tuple(f"{word},{ORPHANS}" if word.startswith("nodiscard") else word for word in argv)


def unused(read: Read) -> bool:
    """Never mounted: s_mtime and s_mnt_count are zero."""
    mtime, _, mounts = struct.unpack("<IIH", read(SUPERBLOCK + 0x2C, 10))
    return bool(mtime == 0 and mounts == 0)


def extent(read: Read, total: int | None) -> int:
    """s_blocks_count times the block size. The kernel keeps the superblock of a mounted one in the device's page cache."""
    block = read(SUPERBLOCK, 1024)
    low, shift = struct.unpack_from("<I", block, 0x4)[0], struct.unpack_from("<I", block, 0x18)[0]
    wide = struct.unpack_from("<I", block, 0x60)[0] & SIXTY_FOUR_BIT
    high = struct.unpack_from("<I", block, 0x150)[0] if wide else 0
    return int((high << 32 | low) << (10 + shift))


def grow(device: str, point: str) -> tuple[str, ...]:
    """Argv of resize2fs, which has the kernel do it where the file system is mounted."""
    return ("resize2fs", device)


EXT4 = Filesystem(
    name="ext4", label_bytes=16, smallest=8 * MIB, make=make, untouched=("noload",), unused=unused, extent=extent, grow=grow,
    make_at=make_at, settings="mke2fs.conf", tuned=tuned,
)  # fmt: skip
