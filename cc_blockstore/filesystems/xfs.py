"""xfs: mkfs.xfs(8), xfs_growfs(8), xfs(5); the superblock: fs/xfs/libxfs/xfs_format.h (struct xfs_dsb, big endian).

Since xfsprogs 5.19 a file system below 300 MiB is refused.
"""

import struct

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, Read, label_option

IN_PROGRESS = 126
# Behind the first record of the log, however wide its stripe unit is (256 KiB at most).
HEAD = 256 << 10
RECORD = b"\xfe\xed\xba\xbe"
XFS_IOC_FSGROWFSDATA = 0x4010586E  # _IOW('X', 110, struct xfs_growfs_data), fs/xfs/libxfs/xfs_fs.h


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.xfs; -K: no discard."""
    return ("mkfs.xfs", "-q", "-K", "-m", f"uuid={identity}", *label_option("-L", label), device)


def unused(read: Read) -> bool:
    """mkfs.xfs did not end, or nobody mounted it since.

    sb_inprogress says the former, but nothing orders its clearing after the rest of mkfs.xfs's writes: so all may be incomplete
    however whole the superblock is. The kernel's first writable mount stamps the log behind its head with records that carry
    the file system's UUID (fs/xfs/xfs_log_recover.c, xlog_clear_stale_blocks), where mkfs.xfs leaves zeros.
    """
    block = read(0, 512)
    size, start = struct.unpack_from(">I", block, 4)[0], struct.unpack_from(">Q", block, 48)[0]
    group, shift = struct.unpack_from(">I", block, 84)[0], block[124]
    log = read(((start >> shift) * group + (start & (1 << shift) - 1)) * size + HEAD, 2 * HEAD)
    sectors = (log[at : at + 512] for at in range(0, len(log), 512))
    used = any(each[:4] == RECORD and each[304:320] == block[32:48] for each in sectors)
    return block[IN_PROGRESS] != 0 or not used


def extent(read: Read, total: int | None) -> int:
    """Data blocks times the block size. A mounted one counts without its internal log, whose size never changes."""
    block = read(0, 512)
    size, blocks = struct.unpack_from(">IQ", block, 4)
    if total is None:
        return int(size * blocks)
    log = struct.unpack_from(">I", block, 96)[0] if struct.unpack_from(">Q", block, 48)[0] else 0
    return int(total + log * size)


def grow(device: str, point: str) -> tuple[str, ...]:
    """Argv of xfs_growfs."""
    return ("xfs_growfs", "-d", point)


def confirm_growth(read: Read, total: int) -> tuple[int, bytes]:
    """The ioctl that grows to the present size: the kernel then writes the secondary superblocks again, which are the last
    thing that it writes when it grows, after the growth itself counts. xfs_growfs does not call it where the size is the same."""
    block = read(0, 512)
    size = struct.unpack_from(">I", block, 4)[0]
    return XFS_IOC_FSGROWFSDATA, struct.pack("=QII", extent(read, total) // size, block[127], 0)


XFS = Filesystem(
    name="xfs", label_bytes=12, smallest=300 * MIB, make=make, untouched=("norecovery",), unused=unused, extent=extent,
    grow=grow, confirm_growth=confirm_growth, twin_at=32, twin_options=("nouuid",),
)  # fmt: skip
