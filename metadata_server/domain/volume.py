"""A volume: its states (Cinder's words) and what may be done in which."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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


# What a kill or a fault can interrupt; it is completed later.
ON_THE_WAY = (Lifecycle.CREATING, Lifecycle.EXTENDING, Lifecycle.DELETING)


class Origin(str, enum.Enum):
    """What a volume is made from. The value says it as it stands in a refusal."""

    NOTHING = "nothing"
    SNAPSHOT = "a snapshot"
    VOLUME = "another volume"
    IMAGE = "an image"
    BACKUP = "a backup"


@dataclass(frozen=True)
class Volume:
    """``size`` in GiB. Times are RFC 3339, UTC. Made by `new` and by reading the database, nowhere else.

    ``blank`` is our word that nobody ever wrote to it, on which an instance formats it. It starts with `new`, ends with
    `written`, and never comes back: the store refuses to set it again.
    """

    id: str
    name: str
    size: int
    created_at: str
    updated_at: str
    lifecycle: Lifecycle = Lifecycle.CREATING
    blank: bool = True
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def new(
    identifier: str, name: str, size: int, moment: str, *, origin: Origin, description: str, metadata: Mapping[str, str]
) -> Volume:
    """A volume that is about to be made. Blank is the one that is made from nothing, and no other: a snapshot, a volume or an
    image has somebody's data. Raises `Invalid` for what no volume may be, and for an origin that no backend here can copy."""
    check_new(name, size, metadata)
    if origin is not Origin.NOTHING:
        raise Invalid(f"a volume is made blank here, not from {origin.value}")
    blank = origin is Origin.NOTHING
    return Volume(identifier, name, size, moment, moment, blank=blank, description=description, metadata=dict(metadata))


def written(volume: Volume, moment: str) -> Volume:
    """Somebody may have written to it: it is not blank, and never will be again."""
    return replace(volume, blank=False, updated_at=moment)


# The attachment that says most, first: the volume's status is what the first of these that is there means.
BY_ATTACHMENT: tuple[tuple[Status, str], ...] = (
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
    for attachment, word in BY_ATTACHMENT:
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


def check_reserve(volume: Volume, attachments: Iterable[Status], holders: Sequence[str]) -> None:
    """Raises unless the volume is free: `Conflict` that says who has it (Cinder answers 400 here, which tells a client nothing
    of what would help), `Invalid` while it is not ready.

    A second attachment is refused in whatever mode the two are, also to the same instance: read-only ones side by side
    are Cinder's multiattach, which no volume has here.
    """
    now = status(volume, attachments)
    if now == "available":
        return
    problem = f"Volume {volume.id} status must be available to reserve, but the current status is {now}"
    if holders:
        raise Conflict(f"{problem}: {'; '.join(holders)}.")
    raise Invalid(f"{problem}.")


def check_delete(volume: Volume, holders: Sequence[str]) -> None:
    """Raises `Invalid` (as Cinder) that says who has it while anything is attached, `Conflict` while it is made or grown."""
    if holders:
        raise Invalid(f"Volume {volume.id} is attached; it must be detached before it is deleted: {'; '.join(holders)}.")
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
