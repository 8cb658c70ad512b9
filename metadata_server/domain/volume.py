"""A volume: its states (Cinder's words) and what may be done in which."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid

# One file, one LUN; tgt and ext4 go further than anybody's patience.
LARGEST_GIB = 16384
LONGEST_NAME = 255


class Lifecycle(str, enum.Enum):
    """Where the volume itself stands; what its attachments make of it is `status`."""

    CREATING = "creating"
    READY = "ready"
    EXTENDING = "extending"
    DELETING = "deleting"
    ERROR = "error"


@dataclass(frozen=True)
class Volume:
    """``size`` in GiB; ``blank`` until somebody may have written to it. Times are RFC 3339, UTC."""

    id: str
    name: str
    size: int
    created_at: str
    updated_at: str
    lifecycle: Lifecycle = Lifecycle.CREATING
    blank: bool = True
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


# The attachment that says most, first: the volume's status is what the first of these that is there means.
_BY_ATTACHMENT: tuple[tuple[Status, str], ...] = (
    (Status.DETACHING, "detaching"),
    (Status.ATTACHED, "in-use"),
    (Status.ATTACHING, "attaching"),
    (Status.ERROR_ATTACHING, "attaching"),
    (Status.RESERVED, "reserved"),
)


def status(volume: Volume, attachments: Iterable[Status]) -> str:
    """The volume's status as Cinder spells it (Block Storage API reference, "Volume statuses")."""
    if volume.lifecycle is not Lifecycle.READY:
        return str(volume.lifecycle.value)
    found = set(attachments)
    for attachment, word in _BY_ATTACHMENT:
        if attachment in found:
            return word
    return "available"


def check_new(name: str, size: int, metadata: Mapping[str, str]) -> None:
    """Raises `Invalid` for what no volume may be."""
    if not 1 <= size <= LARGEST_GIB:
        raise Invalid(f"a volume has from 1 to {LARGEST_GIB} GiB, not {size}")
    if len(name) > LONGEST_NAME:
        raise Invalid(f"a name has at most {LONGEST_NAME} characters")
    if any(not key or len(key) > 255 or len(value) > 255 for key, value in metadata.items()):
        raise Invalid("metadata keys and values have at most 255 characters, keys at least one")


def check_reserve(volume: Volume, attachments: Iterable[Status]) -> None:
    """Raises `Invalid` (Cinder answers 400 here, not 409) unless the volume is free."""
    now = status(volume, attachments)
    if now != "available":
        raise Invalid(f"Volume {volume.id} status must be available to reserve, but the current status is {now}.")


def check_delete(volume: Volume, attachments: Iterable[Status]) -> None:
    """Raises `Invalid` while anything is attached, `Conflict` while it is being made or grown."""
    if tuple(attachments):
        raise Invalid(f"Volume {volume.id} is attached; it must be detached before it is deleted.")
    if volume.lifecycle in (Lifecycle.CREATING, Lifecycle.EXTENDING):
        raise Conflict(f"Volume {volume.id} is {volume.lifecycle.value}.")


def check_extend(volume: Volume, size: int) -> None:
    """Raises `Invalid` unless it grows, `Conflict` while it is not ready."""
    if volume.lifecycle is not Lifecycle.READY:
        raise Conflict(f"Volume {volume.id} is {volume.lifecycle.value}.")
    if size <= volume.size:
        raise Invalid(f"New size must be greater than the current size of {volume.size} GiB, not {size}.")
    if size > LARGEST_GIB:
        raise Invalid(f"a volume has from 1 to {LARGEST_GIB} GiB, not {size}")
