"""vfat: mkfs.fat(8). Its identity is a 32-bit volume id, shown by blkid as ``ABCD-1234``."""

import secrets

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, label_option

BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
NOT_IN_LABELS = '*?.,;:/\\|+=<>[]"'  # mkfs.fat's own list


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.vfat; -I is not given: a device with partitions is refused."""
    return ("mkfs.vfat", "-i", identity.replace("-", ""), *label_option("-n", label), device)


def new_identity() -> str:
    """A random volume id."""
    number = f"{secrets.randbits(32):08X}"
    return f"{number[:4]}-{number[4:]}"


def label_rule(label: str) -> str | None:
    """What mkfs.fat refuses, and the one label that it writes for "none"."""
    if not label.isascii() or not label.isprintable() or set(label) & set(NOT_IN_LABELS):
        return f"a vfat label holds printable ASCII without any of {NOT_IN_LABELS}, not {label!r}"
    return f"{label!r} stands for a vfat file system without a label" if label == "NO NAME" else None


VFAT = Filesystem(
    name="vfat", label_bytes=11, smallest=1 * MIB, make=make, new_identity=new_identity, partition_type=BASIC_DATA,
    label_rule=label_rule,
)  # fmt: skip
