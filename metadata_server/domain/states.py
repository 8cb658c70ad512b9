"""States, and the one table of legal moves: (state, move) -> the state after it. What is not here is refused.

The API asks by it, the workflow moves by it (one UPDATE with the legal states in its WHERE), and the tests have the same rows.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

from blockstore.attachment import Status


class Lifecycle(str, enum.Enum):
    """Where a volume itself stands; what its attachments make of it is `metadata_server.domain.volume.status`."""

    CREATING = "creating"
    READY = "ready"
    EXTENDING = "extending"
    REVERTING = "reverting"
    DELETING = "deleting"
    MAINTENANCE = "maintenance"
    ERROR = "error"
    ERROR_EXTENDING = "error_extending"
    ERROR_DELETING = "error_deleting"


class SnapshotStatus(str, enum.Enum):
    """Where a snapshot stands (Block Storage API reference, "Snapshot statuses")."""

    CREATING = "creating"
    AVAILABLE = "available"
    RESTORING = "restoring"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


# What a kill or a fault can interrupt; it is completed later.
ON_THE_WAY = (Lifecycle.CREATING, Lifecycle.EXTENDING, Lifecycle.REVERTING, Lifecycle.DELETING)
SNAPSHOT_ON_THE_WAY = (SnapshotStatus.CREATING, SnapshotStatus.DELETING)


class Move(str, enum.Enum):
    """What may be asked of an attachment."""

    CONNECT = "connect"
    COMPLETE = "complete"
    DETACH = "detach"
    KEEP = "keep"
    FAIL = "fail"
    MEND = "mend"


class VolumeMove(str, enum.Enum):
    """What may happen to a volume. The three resets are the operator's word for how it is (os-reset_status)."""

    RESERVE = "be reserved"
    COPY = "be copied"
    EXTEND = "be extended"
    REVERT = "be reverted"
    DELETE = "be deleted"
    FORCE_DELETE = "be deleted by force"
    FINISH = "be finished"
    UNDO = "be as it was"
    FAIL = "fail"
    RESET_AVAILABLE = "be reset to available"
    RESET_ERROR = "be reset to error"
    RESET_MAINTENANCE = "be reset to maintenance"


class SnapshotMove(str, enum.Enum):
    """What may happen to a snapshot."""

    COPY = "be copied"
    RESTORE = "be restored from"
    DELETE = "be deleted"
    FORCE_DELETE = "be deleted by force"
    FINISH = "be finished"
    FAIL = "fail"
    RESET_AVAILABLE = "be reset to available"
    RESET_ERROR = "be reset to error"


# Connecting again leaves `attached` as it is: a guest does so at every boot. A guest that never finished connecting may still be
# logged in: it is asked to detach, too. An export that cannot be made again after a start fails its attachment, and mends it
# when it is there; who was asked to detach stays so.
ATTACHMENT: Mapping[tuple[Status, Move], Status] = {
    (Status.RESERVED, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHING, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHED, Move.CONNECT): Status.ATTACHED,
    (Status.ERROR_ATTACHING, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHING, Move.COMPLETE): Status.ATTACHED,
    (Status.ATTACHED, Move.COMPLETE): Status.ATTACHED,
    (Status.RESERVED, Move.DETACH): Status.DETACHING,
    (Status.ATTACHING, Move.DETACH): Status.DETACHING,
    (Status.ATTACHED, Move.DETACH): Status.DETACHING,
    (Status.DETACHING, Move.DETACH): Status.DETACHING,
    (Status.ERROR_ATTACHING, Move.DETACH): Status.DETACHING,
    (Status.DETACHING, Move.KEEP): Status.ATTACHED,
    (Status.ATTACHED, Move.KEEP): Status.ATTACHED,
    (Status.ATTACHING, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.ATTACHED, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.ERROR_ATTACHING, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.DETACHING, Move.FAIL): Status.DETACHING,
    (Status.ERROR_ATTACHING, Move.MEND): Status.ATTACHED,
    (Status.ATTACHED, Move.MEND): Status.ATTACHED,
    (Status.ATTACHING, Move.MEND): Status.ATTACHING,
    (Status.DETACHING, Move.MEND): Status.DETACHING,
}

_AT_REST = (
    *(Lifecycle.READY, Lifecycle.MAINTENANCE),
    *(Lifecycle.ERROR, Lifecycle.ERROR_EXTENDING, Lifecycle.ERROR_DELETING),
)
# One that is being deleted may be asked to be so again: a kill may have come in between.
VOLUME: Mapping[tuple[Lifecycle, VolumeMove], Lifecycle] = {
    (Lifecycle.READY, VolumeMove.RESERVE): Lifecycle.READY,
    (Lifecycle.READY, VolumeMove.COPY): Lifecycle.READY,
    (Lifecycle.READY, VolumeMove.EXTEND): Lifecycle.EXTENDING,
    (Lifecycle.READY, VolumeMove.REVERT): Lifecycle.REVERTING,
    **{(state, VolumeMove.DELETE): Lifecycle.DELETING for state in (*_AT_REST, Lifecycle.DELETING)},
    **{(state, VolumeMove.FORCE_DELETE): Lifecycle.DELETING for state in Lifecycle},
    (Lifecycle.CREATING, VolumeMove.FINISH): Lifecycle.READY,
    (Lifecycle.EXTENDING, VolumeMove.FINISH): Lifecycle.READY,
    (Lifecycle.REVERTING, VolumeMove.FINISH): Lifecycle.READY,
    (Lifecycle.EXTENDING, VolumeMove.UNDO): Lifecycle.READY,
    (Lifecycle.REVERTING, VolumeMove.UNDO): Lifecycle.READY,
    (Lifecycle.CREATING, VolumeMove.FAIL): Lifecycle.ERROR,
    (Lifecycle.REVERTING, VolumeMove.FAIL): Lifecycle.ERROR,
    (Lifecycle.EXTENDING, VolumeMove.FAIL): Lifecycle.ERROR_EXTENDING,
    (Lifecycle.DELETING, VolumeMove.FAIL): Lifecycle.ERROR_DELETING,
    **{(state, VolumeMove.RESET_AVAILABLE): Lifecycle.READY for state in _AT_REST},
    **{(state, VolumeMove.RESET_ERROR): Lifecycle.ERROR for state in _AT_REST},
    **{(state, VolumeMove.RESET_MAINTENANCE): Lifecycle.MAINTENANCE for state in _AT_REST},
}

_SNAPSHOT_AT_REST = (SnapshotStatus.AVAILABLE, SnapshotStatus.ERROR, SnapshotStatus.ERROR_DELETING)
SNAPSHOT: Mapping[tuple[SnapshotStatus, SnapshotMove], SnapshotStatus] = {
    (SnapshotStatus.AVAILABLE, SnapshotMove.COPY): SnapshotStatus.AVAILABLE,
    (SnapshotStatus.AVAILABLE, SnapshotMove.RESTORE): SnapshotStatus.RESTORING,
    **{(state, SnapshotMove.DELETE): SnapshotStatus.DELETING for state in (*_SNAPSHOT_AT_REST, SnapshotStatus.DELETING)},
    **{(state, SnapshotMove.FORCE_DELETE): SnapshotStatus.DELETING for state in SnapshotStatus},
    (SnapshotStatus.CREATING, SnapshotMove.FINISH): SnapshotStatus.AVAILABLE,
    (SnapshotStatus.RESTORING, SnapshotMove.FINISH): SnapshotStatus.AVAILABLE,
    (SnapshotStatus.CREATING, SnapshotMove.FAIL): SnapshotStatus.ERROR,
    (SnapshotStatus.RESTORING, SnapshotMove.FAIL): SnapshotStatus.AVAILABLE,
    (SnapshotStatus.DELETING, SnapshotMove.FAIL): SnapshotStatus.ERROR_DELETING,
    **{(state, SnapshotMove.RESET_AVAILABLE): SnapshotStatus.AVAILABLE for state in _SNAPSHOT_AT_REST},
    **{(state, SnapshotMove.RESET_ERROR): SnapshotStatus.ERROR for state in _SNAPSHOT_AT_REST},
}

S = TypeVar("S", bound=enum.Enum)
M = TypeVar("M", bound=enum.Enum)


def legal(table: Mapping[tuple[S, M], S], move: M) -> dict[S, S]:
    """From which states a move is legal, and where each leads."""
    return {state: after for (state, one), after in table.items() if one is move}
