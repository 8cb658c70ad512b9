"""What there is to know of one file system: limits, how it is made, how it is known again, how it grows."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from blockstore.values import dataclass

# GPT partition types (UEFI specification, table 5-7; Discoverable Partitions Specification).
LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

# Reads so many bytes at an offset of the device; fewer where it ends.
Read = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Filesystem:
    """``label_bytes`` and ``smallest`` (bytes) are the tool's own limits; ``make`` gives the argv of mkfs.

    ``make(device, label, identity)``: label may be "", ``identity`` is what the function of that name made of a UUID, in the
    form in which blkid will report it. ``untouched`` are the mount options that keep a read-only mount from writing all the
    same: a journal is replayed otherwise. ``label_rule`` says what else may be wrong with a label, beside its length. No
    ``make`` forces: whoever calls has looked first, and mkfs's own refusal is a second lock.

    ``make_at(device, label, identity, offset, size)``: argv that makes it in so many bytes at an offset of the whole device, so
    that the kernel need not show the partition yet; None where mkfs cannot.

    ``settings`` is the tool's own configuration file below /etc, "" for none; ``tuned(argv, text)`` is what ``make`` gave, for
    what stands there.

    ``unused(read)``: whether the superblock shows that nobody can have put a file in it since mkfs began; False where it
    cannot tell. ``extent(read, total)``: the bytes of the device that it has; ``total`` is what statvfs(3) says of a mounted
    one, else None: on the disk a superblock may be an old one. ``grow(device, point)``: argv of the tool that grows it while it
    is mounted, to ``grow_smallest`` bytes at least; ``remake_to_grow``: it holds nothing, and is made anew instead.
    ``confirm_growth(read, total)``: the ioctl and its argument by which the kernel completes a growth that was cut short.
    ``twin_at``: where its superblock holds the identity (16 bytes) by which the kernel tells mounted ones apart, None where it
    does not; ``twin_options`` let two of them be mounted at once, from ``twin_kernel`` on.
    """

    name: str
    label_bytes: int
    smallest: int
    make: Callable[[str, str, str], tuple[str, ...]]
    unused: Callable[[Read], bool]
    extent: Callable[[Read, int | None], int]
    identity: Callable[[uuid.UUID], str] = str
    partition_type: str = LINUX_DATA
    mountable: bool = True
    untouched: tuple[str, ...] = ()
    label_rule: Callable[[str], str | None] = lambda label: None
    make_at: Callable[[str, str, str, int, int], tuple[str, ...]] | None = None
    settings: str = ""
    tuned: Callable[[tuple[str, ...], str], tuple[str, ...]] = lambda argv, text: argv
    grow: Callable[[str, str], tuple[str, ...]] | None = None
    grow_smallest: int = 0
    confirm_growth: Callable[[Read, int], tuple[int, bytes]] | None = None
    remake_to_grow: bool = False
    twin_at: int | None = None
    twin_options: tuple[str, ...] = ()
    twin_kernel: tuple[int, int] = (0, 0)

    def label_fault(self, label: str) -> str | None:
        """Why this label cannot be written, or None."""
        length = len(label.encode())
        if length > self.label_bytes:
            return f"a {self.name} label has at most {self.label_bytes} bytes, {label!r} has {length}"
        return self.label_rule(label)


def label_option(option: str, label: str) -> tuple[str, ...]:
    """The pair of option and label, or nothing where there is no label."""
    return (option, label) if label else ()
