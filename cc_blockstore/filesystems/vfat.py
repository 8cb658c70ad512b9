"""vfat: mkfs.fat(8). Its identity is a 32-bit volume id, shown by blkid as ``ABCD-1234``. The boot sector and the folder
entries: Microsoft, FAT32 File System Specification 1.03."""

import struct
import uuid

from blockstore.size import MIB
from cc_blockstore.filesystems.filesystem import Filesystem, Read, label_option

BASIC_DATA = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
NOT_IN_LABELS = '*?.,;:/\\|+=<>[]"'  # mkfs.fat's own list
VOLUME_LABEL = 0x08


def make(device: str, label: str, identity: str) -> tuple[str, ...]:
    """Argv of mkfs.vfat; -I is not given: a device with partitions is refused."""
    return ("mkfs.vfat", "-i", identity.replace("-", ""), *label_option("-n", label), device)


def identity(source: uuid.UUID) -> str:
    """A volume id from the first 32 bits."""
    number = f"{source.int >> 96:08X}"
    return f"{number[:4]}-{number[4:]}"


def unused(read: Read) -> bool:
    """No entry in the root folder but the label; a deleted one tells that there were files."""
    boot = read(0, 90)
    sector, cluster, reserved, fats, roots = struct.unpack_from("<HBHBH", boot, 11)
    length = struct.unpack_from("<H", boot, 22)[0] or struct.unpack_from("<I", boot, 36)[0]
    begin = (reserved + fats * length) * sector
    size = roots * 32
    if not roots:  # FAT32: the root folder is a chain of clusters, and mkfs gives it one
        begin += (struct.unpack_from("<I", boot, 44)[0] - 2) * cluster * sector
        size = cluster * sector
    folder = read(begin, size)
    entries = (folder[at : at + 32] for at in range(0, len(folder), 32))
    return all(not any(entry) or entry[11] == VOLUME_LABEL for entry in entries)


def extent(read: Read, total: int | None) -> int:
    """The sectors that the boot sector counts."""
    boot = read(0, 36)
    sector, few = struct.unpack_from("<H", boot, 11)[0], struct.unpack_from("<H", boot, 19)[0]
    return int((few or struct.unpack_from("<I", boot, 32)[0]) * sector)


def label_rule(label: str) -> str | None:
    """What mkfs.fat refuses, and the one label that it writes for "none"."""
    if not label.isascii() or not label.isprintable() or set(label) & set(NOT_IN_LABELS):
        return f"a vfat label holds printable ASCII without any of {NOT_IN_LABELS}, not {label!r}"
    return f"{label!r} stands for a vfat file system without a label" if label == "NO NAME" else None


VFAT = Filesystem(
    name="vfat", label_bytes=11, smallest=1 * MIB, make=make, identity=identity, partition_type=BASIC_DATA,
    label_rule=label_rule, unused=unused, extent=extent,
)  # fmt: skip
