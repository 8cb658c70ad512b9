"""The table of legal moves, as a whole: what it must never allow, and that it leaves no dead end."""

from dataclasses import replace

import pytest

from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.snapshot import Snapshot, check_reset, move_of_reset
from metadata_server.domain.states import (
    ATTACHMENT,
    ON_THE_WAY,
    SNAPSHOT,
    VOLUME,
    Lifecycle,
    Move,
    SnapshotMove,
    SnapshotStatus,
    VolumeMove,
    legal,
)


def test_os_complete_is_for_what_was_connected():
    assert set(legal(ATTACHMENT, Move.COMPLETE)) == {Status.ATTACHING, Status.ATTACHED}


def test_only_a_ready_volume_is_used():
    for move in (VolumeMove.RESERVE, VolumeMove.COPY, VolumeMove.EXTEND, VolumeMove.REVERT):
        assert set(legal(VOLUME, move)) == {Lifecycle.READY}
    for move in (SnapshotMove.COPY, SnapshotMove.RESTORE):
        assert set(legal(SNAPSHOT, move)) == {SnapshotStatus.AVAILABLE}


@pytest.mark.parametrize("state", Lifecycle)
def test_every_state_of_a_volume_has_a_way_out(state):
    """From each one it can be deleted in the end; and work under way ends, well or not."""
    assert VOLUME[state, VolumeMove.FORCE_DELETE] is Lifecycle.DELETING
    if state in ON_THE_WAY:
        ends = {VOLUME.get((state, move)) for move in (VolumeMove.FINISH, VolumeMove.UNDO, VolumeMove.FAIL)} - {None}
        assert ends
        assert not ends & set(ON_THE_WAY)
        # What is being done is not talked away by a reset: that would leave it half done.
        assert (state, VolumeMove.RESET_AVAILABLE) not in VOLUME


@pytest.mark.parametrize("state", SnapshotStatus)
def test_every_state_of_a_snapshot_has_a_way_out(state):
    assert SNAPSHOT[state, SnapshotMove.FORCE_DELETE] is SnapshotStatus.DELETING


def test_nothing_leaves_deletion_but_failure():
    leads = {move: after for (state, move), after in VOLUME.items() if state is Lifecycle.DELETING}
    assert set(leads.values()) == {Lifecycle.DELETING, Lifecycle.ERROR_DELETING}


def test_a_snapshot_is_reset_to_what_is_at_rest():
    assert move_of_reset("error") is SnapshotMove.RESET_ERROR
    with pytest.raises(Invalid, match="deleting"):
        move_of_reset("deleting")


def test_a_snapshot_without_bytes_is_not_available():
    found = Snapshot("s", "v", "", 1, "now", "now", status=SnapshotStatus.AVAILABLE)
    check_reset(found, there=True)
    check_reset(replace(found, status=SnapshotStatus.ERROR), there=False)
    with pytest.raises(Conflict, match="Snapshot s cannot be available: its bytes"):
        check_reset(found, there=False)
