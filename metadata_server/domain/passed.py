"""Volumes that another service owns (Cinder): what we know of them ourselves, what we see of them, and what follows."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from blockstore import attachment as words
from blockstore.attachment import Status
from blockstore.connector import Connector
from metadata_server.domain.errors import Conflict, Invalid


class Content(str, enum.Enum):
    """What may be on a volume. Only what is `BLANK` is told an instance as blank; what is `DATA` stays so."""

    BLANK = "blank"
    UNKNOWN = "unknown"
    DATA = "data"


@dataclass(frozen=True)
class Knowledge:
    """What we know of a volume's content, and as of which change of it (Cinder's ``updated_at``): a later one that is not ours
    may have been anything, an attachment of Nova's as well as a new name."""

    volume_id: str
    content: Content
    as_of: str


@dataclass(frozen=True)
class Passed:
    """An attachment that we reserved in Cinder for one of our instances.

    ``key`` is ours; ``attachment_id`` is Cinder's, "" while it is being reserved. ``initiator`` is the one that it is bound to.
    ``completed``: the instance said so, or was about to. ``detaching`` is the operator's wish, ``released`` that it goes.
    """

    key: str
    volume_id: str
    instance_id: str
    mode: str
    created_at: str
    attachment_id: str = ""
    initiator: str = ""
    completed: bool = False
    detaching: bool = False
    released: bool = False


@dataclass(frozen=True)
class NewVolume:
    """What an operator wishes of a volume; "" and None are no wish, and Cinder's to decide. ``size`` in GiB."""

    name: str
    size: int | None = None
    description: str = ""
    volume_type: str = ""
    snapshot_id: str = ""
    source_volid: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeenVolume:
    """A volume as Cinder shows it; ``origin`` is what it was made from, in words ("" for nothing). ``placed``: it names the
    service that has it, which is the last thing that Cinder writes of a new volume, after it called it available."""

    id: str
    name: str
    status: str
    size: int
    created_at: str
    updated_at: str
    description: str = ""
    volume_type: str = ""
    origin: str = ""
    multiattach: bool = False
    encrypted: bool = False
    placed: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SeenAttachment:
    """An attachment as Cinder shows it; its status is Cinder's own word."""

    id: str
    status: str
    volume_id: str
    instance_id: str


@dataclass(frozen=True)
class Known:
    """A volume as Cinder shows it, what it holds as far as we know, and our attachment of it."""

    volume: SeenVolume
    content: Content
    attachment: Passed | None


# A Cinder that never names a service (its services have no ids) is done when it wrote nothing for so long.
STEADY_SECONDS = 2.0


class Steady:
    """Whether Cinder is done with a new volume, by looking at it again and again: until then its date may still change, and
    what changes it later is somebody else."""

    def __init__(self) -> None:
        self._date, self._since = "", 0.0

    def look(self, seen: SeenVolume, now: float) -> bool:
        """``now`` in seconds of a clock that nobody sets."""
        if seen.status != "available":
            return False
        if seen.updated_at != self._date:
            self._date, self._since = seen.updated_at, now
        return seen.placed or now - self._since >= STEADY_SECONDS


def content_at_reserve(known: Knowledge | None, seen: SeenVolume, *, vouched: bool) -> Content:
    """What the volume holds as it is reserved. The first line that fits decides (docs/reuse-rules.md has the table).

    Cinder does not tell what was ever attached, nor a volume that was taken over with its data (``cinder manage``) or restored
    from a backup from one that is new. So blank is what we made ourselves and nobody touched since, or what an operator
    vouches for.
    """
    if known is not None and known.content is Content.DATA:
        return Content.DATA
    if seen.origin:
        return Content.DATA
    if seen.multiattach:
        return Content.UNKNOWN
    if known is not None and known.content is Content.BLANK and known.as_of == seen.updated_at:
        return Content.BLANK
    return Content.BLANK if vouched else Content.UNKNOWN


def content_after(content: Content, ended: Passed) -> Content:
    """What it holds once an attachment of ours ended: one that was completed may have written anything; with one that was only
    connected it is not known."""
    if ended.mode != "rw" or not ended.initiator:
        return content
    return Content.DATA if ended.completed else min(content, Content.UNKNOWN, key=_LESS_BLANK.index)


_LESS_BLANK = (Content.DATA, Content.UNKNOWN, Content.BLANK)


def check_vouched(content: Content, seen: SeenVolume) -> None:
    """Raises `Conflict` where somebody vouches for a volume of which we know better."""
    if content is not Content.BLANK:
        reason = f"it was made from {seen.origin}" if seen.origin else "it has been used, or several may use it at once"
        raise Conflict(f"Volume {seen.id} cannot be vouched for as blank: {reason}.")


def check_reserve(seen: SeenVolume, mode: str) -> None:
    """Raises `Invalid` for what no instance could use."""
    if mode not in ("rw", "ro"):
        raise Invalid(f"mode must be rw or ro, not {mode!r}")
    if seen.encrypted:
        raise Invalid(f"Volume {seen.id} is encrypted by its volume type; an instance would have no key for it.")


def holder(one: Passed, name: str) -> str:
    """Who has the volume, in words."""
    instance = f"instance {one.instance_id}" + (f" ({name})" if name else "")
    return f"{instance} has it, attachment {one.attachment_id or '(being reserved)'} with mode {one.mode}"


def bind(one: Passed, connector: Connector) -> Passed:
    """Bind it to this initiator. Raises `Conflict` for another one than before, and while it is detaching."""
    check_here(one)
    if one.initiator not in ("", connector.initiator):
        raise Conflict(f"Attachment {one.attachment_id} is bound to another initiator; detach it first.")
    return replace(one, initiator=connector.initiator)


def check_here(one: Passed) -> None:
    """Raises `Conflict` while it is detaching."""
    if one.detaching or one.released:
        raise Conflict(f"Attachment {one.attachment_id} is detaching now.")


def check_complete(one: Passed, seen: SeenAttachment) -> None:
    """Raises `Conflict` unless it was connected (Cinder would take it at any time)."""
    check_here(one)
    if not one.initiator or seen.status not in ("attaching", "attached"):
        raise Conflict(f"Attachment {one.attachment_id} cannot be completed: it is {seen.status} now.")


def status(one: Passed, attachment: SeenAttachment, volume_status: str) -> Status:
    """The attachment's status. Who asked Cinder to detach the volume (begin-detaching) asked the instance."""
    if one.detaching or one.released or volume_status == "detaching":
        return Status.DETACHING
    if attachment.status in ("reserved", "attaching", "attached", "error_attaching"):
        return Status(attachment.status)
    return Status.DETACHING if attachment.status in ("detached", "error_detaching", "deleted") else Status.ERROR_ATTACHING


def described(one: Passed, attachment: SeenAttachment, volume: SeenVolume, content: Content) -> words.Attachment:
    """What the instance may know of it. There is no serial: which one a device of Cinder's has is the storage's own affair, so
    the instance goes by target and LUN."""
    return words.Attachment(
        id=one.attachment_id, status=status(one, attachment, volume.status), mode=one.mode,
        volume=words.Volume(
            volume.id, volume.name or volume.id, volume.size, "", content is Content.BLANK, dict(volume.metadata)
        ),
    )  # fmt: skip
