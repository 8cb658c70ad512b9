"""ext4: mke2fs(8), ext4(5)."""

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, label_option


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.ext4. No discard: the volume was found empty, and an UNMAP of all of it costs minutes on some targets."""
    return ("mkfs.ext4", "-q", "-E", "nodiscard", "-U", identity, *label_option("-L", label), device)


EXT4 = Filesystem(name="ext4", label_bytes=16, smallest=8 * MIB, make=make, untouched=("noload",))
