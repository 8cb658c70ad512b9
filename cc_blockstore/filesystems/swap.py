"""swap: mkswap(8). Not mounted but switched on."""

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, label_option

LINUX_SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkswap."""
    return ("mkswap", "-U", identity, *label_option("-L", label), device)


# The field has 16 bytes; mkswap ends it with a NUL and cuts a longer label off with no more than a warning.
SWAP = Filesystem(name="swap", label_bytes=15, smallest=1 * MIB, make=make, partition_type=LINUX_SWAP, mountable=False)
