"""A volume: what it is, and what may be done in which state."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.states import ON_THE_WAY, VOLUME, Lifecycle, VolumeMove

__all__ = ["ON_THE_WAY", "Lifecycle", "Origin", "Volume", "Wish"]

# One file, one LUN; tgt and ext4 go further than anybody's patience.
LARGEST_GIB = 16384
LONGEST_NAME = 255


class Origin(str, enum.Enum):
    """What a volume is made from. The value says it as it stands in a refusal."""

    NOTHING = "nothing"
    SNAPSHOT = "a snapshot"
    VOLUME = "another volume"
    IMAGE = "an image"
    BACKUP = "a backup"


# What a backend can copy.
ORIGINS = (Origin.NOTHING, Origin.SNAPSHOT, Origin.VOLUME)


@dataclass(frozen=True)
class Wish:
    """What somebody asks for. ``size`` in GiB, None for the source's; ``source`` is the id of what the origin is."""

    name: str = ""
    size: int | None = None
    origin: Origin = Origin.NOTHING
    source: str = ""
    volume_type: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Volume:
    """``size`` in GiB. Times are RFC 3339, UTC. Made by `new` and by reading the database, nowhere else.

    ``blank`` is our word that nobody ever wrote to it, on which an instance formats it. It starts with `new`, ends with
    `written`, and never comes back: the store refuses to set it again. ``snapshot_id`` or ``source_volid`` is what it was made
    from, "" for none. ``readonly``: attachments must be so, too.
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
    volume_type: str = ""
    snapshot_id: str = ""
    source_volid: str = ""
    bootable: bool = False
    readonly: bool = False


def new(identifier: str, wish: Wish, moment: str, *, volume_type: str, least: int = 0) -> Volume:
    """A volume that is about to be made; ``least`` is its source's size in GiB. Blank is the one that is made from nothing, and
    no other: a snapshot or a volume has somebody's data. Raises `Invalid` for what no volume may be, and for an origin that no
    backend here can copy."""
    if wish.origin not in ORIGINS:
        raise Invalid(f"a volume is made from nothing, a snapshot or a volume here, not from {wish.origin.value}")
    size = least if wish.size is None else wish.size
    check_new(wish.name, size, wish.metadata)
    if size < least:
        raise Invalid(f"Volume size {size} GiB cannot be smaller than {wish.origin.value} of {least} GiB that it is made from.")
    return Volume(
        identifier, wish.name, size, moment, moment, blank=wish.origin is Origin.NOTHING, description=wish.description,
        metadata=dict(wish.metadata), volume_type=volume_type,
        snapshot_id=wish.source if wish.origin is Origin.SNAPSHOT else "",
        source_volid=wish.source if wish.origin is Origin.VOLUME else "",
    )  # fmt: skip


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
    check_words(name, metadata)


def check_words(name: str, metadata: Mapping[str, str]) -> None:
    """Raises `Invalid` for a name or metadata that nothing here may have."""
    if len(name) > LONGEST_NAME:
        raise Invalid(f"a name has at most {LONGEST_NAME} characters")
    if any(not key or len(key) > 255 or len(value) > 255 for key, value in metadata.items()):
        raise Invalid("metadata keys and values have at most 255 characters, keys at least one")
    if not all(map(_encodable, (name, *metadata, *metadata.values()))):
        raise Invalid("a name and metadata must be text that UTF-8 has: half of a surrogate pair is none")


def _encodable(text: str) -> bool:
    """JSON can say half of a surrogate pair; no answer of ours could repeat it."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def check_move(volume: Volume, move: VolumeMove) -> None:
    """Raises `Conflict` where the table has no such move."""
    if (volume.lifecycle, move) not in VOLUME:
        raise Conflict(f"Volume {volume.id} is {volume.lifecycle.value}; it cannot {move.value} now.")


def check_idle(volume: Volume, copies: Sequence[str]) -> None:
    """Raises `Conflict` while it is being copied: what is copied slowly must not change meanwhile."""
    if copies:
        raise Conflict(f"Volume {volume.id} is being copied into {', '.join(copies)}; wait until that is done.")


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


def check_mode(volume: Volume, mode: str) -> None:
    """Raises `Invalid` where somebody wants to write to what is read-only."""
    if volume.readonly and mode != "ro":
        raise Invalid(f"Volume {volume.id} is read-only: it can be attached with mode ro, not {mode}.")


def check_delete(volume: Volume, holders: Sequence[str], snapshots: int = 0) -> None:
    """Raises `Conflict` that says who has it while anything is attached, `Invalid` (as Cinder) while it has snapshots."""
    if holders:
        raise Conflict(f"Volume {volume.id} is attached; it must be detached before it is deleted: {'; '.join(holders)}.")
    if snapshots:
        raise Invalid(
            f"Invalid volume: Volume {volume.id} has {snapshots} snapshots; delete them first, or with it (cascade).",
        )


def check_extend(volume: Volume, size: int) -> None:
    """Raises `Invalid` unless it grows."""
    if size <= volume.size:
        raise Invalid(f"New size must be greater than the current size of {volume.size} GiB, not {size}.")
    if size > LARGEST_GIB:
        raise Invalid(f"a volume has from 1 to {LARGEST_GIB} GiB, not {size}")


def check_copy(volume: Volume, holders: Sequence[str], *, atomic: bool) -> None:
    """Raises `Conflict` where a copy would be torn: somebody has the volume, and the copy is not the work of a moment."""
    if holders and not atomic:
        raise Conflict(
            f"Volume {volume.id} is in use, and a copy of the type {volume.volume_type} takes so long that what is "
            f"written meanwhile would be in it by half: {'; '.join(holders)}.",
            hint="detach it first, or keep volumes where blocks can be shared: XFS or Btrfs under sparse, an LVM thin pool",
        )


def check_reset(volume: Volume, wanted: str, now: str, *, there: bool) -> None:
    """Raises `Conflict` where the operator's word cannot be true. ``now`` is the status after it, ``there`` whether the backend
    has the volume's bytes."""
    if wanted in ("available", "in-use", "error", "maintenance") and now != wanted:
        raise Conflict(f"Volume {volume.id} cannot be {wanted}: with its attachments it is {now}. Delete or complete those.")
    if volume.lifecycle is Lifecycle.READY and not there:
        raise Conflict(f"Volume {volume.id} cannot be {wanted}: its bytes were never made, or are gone. Delete it.")


def move_of_reset(wanted: str) -> VolumeMove:
    """The move of os-reset_status. Raises `Invalid` for a status that is no label here but work under way."""
    moves = {
        "available": VolumeMove.RESET_AVAILABLE, "in-use": VolumeMove.RESET_AVAILABLE,
        "error": VolumeMove.RESET_ERROR, "maintenance": VolumeMove.RESET_MAINTENANCE,
    }  # fmt: skip
    if wanted not in moves:
        raise Invalid(f"a status can be reset to {', '.join(moves)}, not to {wanted!r}: that is work under way, not a label")
    return moves[wanted]
