"""An attachment on the server's side: reserve, connect, complete, detach; which move is legal in which state."""

from __future__ import annotations

from dataclasses import dataclass

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from metadata_server.domain.errors import Conflict
from metadata_server.domain.states import ATTACHMENT, Move


@dataclass(frozen=True)
class Attachment:
    """``instance_id`` may be one that is not registered here (Nova's), or "". With a ``connector`` it is to be exported,
    unless it is ``released``: then the export goes, and after it the attachment."""

    id: str
    volume_id: str
    instance_id: str
    status: Status
    mode: str
    mutual: bool
    created_at: str
    attached_at: str = ""
    connector: Connector | None = None
    chap: Chap | None = None
    released: bool = False


@dataclass(frozen=True)
class Ending:
    """What is left to know of an attachment that is released. ``written``: its volume may still count as blank, and is not."""

    id: str
    volume_id: str
    instance_id: str
    written: bool


def after(attachment: Attachment, move: Move) -> Status:
    """The state after a move. Raises `Conflict` where the move is not legal."""
    if attachment.released or (attachment.status, move) not in ATTACHMENT:
        raise Conflict(f"Attachment {attachment.id} is {attachment.status.value}; it cannot {move.value} now.")
    status = ATTACHMENT[attachment.status, move]
    back = move in (Move.KEEP, Move.MEND) and status is Status.ATTACHED
    # What never completed goes back to where it was.
    return Status.ATTACHING if back and not attachment.attached_at else status


def check_initiator(attachment: Attachment, connector: Connector) -> None:
    """Raises `Conflict` when it is already bound to another initiator: the secret is not handed to a second one."""
    bound = attachment.connector
    if bound is not None and bound.initiator != connector.initiator:
        raise Conflict(f"Attachment {attachment.id} is bound to another initiator; detach it first.")


def holder(attachment: Attachment, name: str) -> str:
    """Who has the volume, in words; ``name`` is the instance's ("" for one that is not registered here)."""
    instance = f"instance {attachment.instance_id or 'unknown'}" + (f" ({name})" if name else "")
    return f"{instance} has it, attachment {attachment.id} is {attachment.status.value} with mode {attachment.mode}"


def wanted(attachment: Attachment) -> bool:
    """Whether this attachment is to be exported now."""
    return attachment.connector is not None and attachment.chap is not None and not attachment.released


def writes(mode: str, attached_at: str) -> bool:
    """Whether the volume may have been written to through an attachment, once it ends: completed, and not read-only."""
    return mode == "rw" and bool(attached_at)


def ending(attachment: Attachment) -> Ending:
    """Of one that is released, whose volume nobody looked at."""
    written = writes(attachment.mode, attachment.attached_at)
    return Ending(attachment.id, attachment.volume_id, attachment.instance_id, written)
