"""xfs: mkfs.xfs(8). Since xfsprogs 5.19 a file system below 300 MiB is refused."""

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, label_option


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.xfs; -K: no discard."""
    return ("mkfs.xfs", "-q", "-K", "-m", f"uuid={identity}", *label_option("-L", label), device)


XFS = Filesystem(name="xfs", label_bytes=12, smallest=300 * MIB, make=make, untouched=("norecovery",))
