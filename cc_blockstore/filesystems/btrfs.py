"""btrfs: mkfs.btrfs(8)."""

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, label_option


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.btrfs; -K: no discard."""
    return ("mkfs.btrfs", "-q", "-K", "-U", identity, *label_option("-L", label), device)


# 109 MiB is what mkfs.btrfs itself names as the least with its default profiles. It takes labels of 255 bytes and keeps 254.
BTRFS = Filesystem(name="btrfs", label_bytes=254, smallest=114 * MIB, make=make, untouched=("rescue=nologreplay",))
