"""A snapshot: the bytes that a volume had at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.states import SNAPSHOT, SnapshotMove, SnapshotStatus
from metadata_server.domain.volume import Volume, check_words


@dataclass(frozen=True)
class Snapshot:
    """``size`` in GiB: the volume's at that moment. Times are RFC 3339, UTC."""

    id: str
    volume_id: str
    name: str
    size: int
    created_at: str
    updated_at: str
    status: SnapshotStatus = SnapshotStatus.CREATING
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def new(identifier: str, volume: Volume, moment: str, *, name: str, description: str, metadata: Mapping[str, str]) -> Snapshot:
    """A snapshot that is about to be made. Raises `Invalid`."""
    check_words(name, metadata)
    return Snapshot(identifier, volume.id, name, volume.size, moment, moment, description=description, metadata=dict(metadata))


def check_force(volume: Volume, now: str, *, force: bool) -> None:
    """Raises `Invalid` (as Cinder before 3.66) for a volume that is in use, unless the one who asks knows that."""
    if now != "available" and not force:
        raise Invalid(f"Invalid volume: Volume {volume.id} status must be available, but current status is: {now}.")


def check_move(snapshot: Snapshot, move: SnapshotMove) -> None:
    """Raises `Conflict` where the table has no such move."""
    if (snapshot.status, move) not in SNAPSHOT:
        raise Conflict(f"Snapshot {snapshot.id} is {snapshot.status.value}; it cannot {move.value} now.")


def check_delete(snapshot: Snapshot, copies: Sequence[str]) -> None:
    """Raises `Conflict` while volumes are being made from it."""
    if copies:
        raise Conflict(f"Snapshot {snapshot.id} is being copied into {', '.join(copies)}; wait until that is done.")


def check_revert(volume: Volume, wanted: str, latest: Snapshot | None, holders: Sequence[str]) -> None:
    """Raises `Invalid` unless it is the volume's latest snapshot (as Cinder: what came after would be lost silently), `Conflict`
    that says who has the volume."""
    if latest is None:
        raise Invalid(f"Volume {volume.id} has no snapshots.")
    if latest.id != wanted:
        raise Invalid(f"Specified snapshot {wanted} is not the latest one of volume {volume.id}, which is {latest.id}.")
    if holders:
        raise Conflict(f"Volume {volume.id} is attached; it must be detached before it is reverted: {'; '.join(holders)}.")


def check_reset(snapshot: Snapshot, *, there: bool) -> None:
    """Raises `Conflict` where the operator's word cannot be true. ``there``: whether the backend has the snapshot's bytes."""
    if snapshot.status is SnapshotStatus.AVAILABLE and not there:
        raise Conflict(f"Snapshot {snapshot.id} cannot be available: its bytes were never kept, or are gone. Delete it.")


def move_of_reset(wanted: str) -> SnapshotMove:
    """The move of os-reset_status. Raises `Invalid` for a status that is no label here but work under way."""
    moves = {"available": SnapshotMove.RESET_AVAILABLE, "error": SnapshotMove.RESET_ERROR}
    if wanted not in moves:
        raise Invalid(f"a status can be reset to {', '.join(moves)}, not to {wanted!r}: that is work under way, not a label")
    return moves[wanted]
