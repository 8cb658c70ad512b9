"""swap: mkswap(8); the header: include/linux/swap.h (union swap_header). Not mounted but switched on."""

import struct

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, Read, label_option

MAGIC, PAGES = b"SWAPSPACE2", (4 << 10, 16 << 10, 64 << 10)
LINUX_SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkswap."""
    return ("mkswap", "-U", identity, *label_option("-L", label), device)


def unused(read: Read) -> bool:
    """Always: it holds nothing that outlives a boot (what a hibernated system left has another signature)."""
    return True


def extent(read: Read, total: int | None) -> int:
    """The last page and all before it; the magic number stands at the end of the first page, and so tells how large one is."""
    page = next(size for size in PAGES if read(size - len(MAGIC), len(MAGIC)) == MAGIC)
    return int((struct.unpack("<I", read(1028, 4))[0] + 1) * page)


# The field has 16 bytes; mkswap ends it with a NUL and cuts a longer label off with no more than a warning.
SWAP = Filesystem(
    name="swap", label_bytes=15, smallest=1 * MIB, make=make, partition_type=LINUX_SWAP, mountable=False, unused=unused,
    extent=extent, remake_to_grow=True,
)  # fmt: skip
