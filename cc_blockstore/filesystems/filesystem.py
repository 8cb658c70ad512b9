"""What there is to know of one file system: limits, and how it is made."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

# GPT partition types (UEFI specification, table 5-7; Discoverable Partitions Specification).
LINUX_DATA = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"


@dataclass(frozen=True)
class Filesystem:
    """``label_bytes`` and ``smallest`` (bytes) are the tool's own limits; ``make`` gives the argv of mkfs.

    ``make(device, label, identity)``: label may be "", ``identity`` is what ``new_identity`` gave, in the form in which
    blkid will report it as UUID. ``untouched`` are the mount options that keep a read-only mount from writing all the same: a
    journal is replayed otherwise. ``label_rule`` says what else may be wrong with a label, beside its length. No ``make``
    forces: whoever calls has looked first, and mkfs's own refusal is a second lock.
    """

    name: str
    label_bytes: int
    smallest: int
    make: Callable[[str, str, str], tuple[str, ...]]
    new_identity: Callable[[], str] = lambda: str(uuid.uuid4())
    partition_type: str = LINUX_DATA
    mountable: bool = True
    untouched: tuple[str, ...] = ()
    label_rule: Callable[[str], str | None] = lambda label: None

    def label_fault(self, label: str) -> str | None:
        """Why this label cannot be written, or None."""
        length = len(label.encode())
        if length > self.label_bytes:
            return f"a {self.name} label has at most {self.label_bytes} bytes, {label!r} has {length}"
        return self.label_rule(label)


def label_option(option: str, label: str) -> tuple[str, ...]:
    """The pair of option and label, or nothing where there is no label."""
    return (option, label) if label else ()
