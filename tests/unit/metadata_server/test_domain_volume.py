import ast
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

import metadata_server
from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.states import VolumeMove
from metadata_server.domain.volume import (
    LARGEST_GIB,
    Lifecycle,
    Origin,
    Volume,
    Wish,
    check_copy,
    check_delete,
    check_extend,
    check_idle,
    check_mode,
    check_move,
    check_new,
    check_reserve,
    check_reset,
    move_of_reset,
    new,
    status,
    written,
)


def volume(lifecycle: Lifecycle = Lifecycle.READY) -> Volume:
    return Volume("v", "data", 2, "now", "now", lifecycle=lifecycle)


@pytest.mark.parametrize(
    ("lifecycle", "attachments", "expected"),
    [
        (Lifecycle.READY, [], "available"),
        (Lifecycle.READY, [Status.RESERVED], "reserved"),
        (Lifecycle.READY, [Status.ATTACHING], "attaching"),
        (Lifecycle.READY, [Status.ERROR_ATTACHING], "attaching"),
        (Lifecycle.READY, [Status.ATTACHED], "in-use"),
        (Lifecycle.READY, [Status.DETACHING], "detaching"),
        (Lifecycle.READY, [Status.RESERVED, Status.ATTACHED], "in-use"),
        (Lifecycle.CREATING, [], "creating"),
        (Lifecycle.EXTENDING, [Status.ATTACHED], "extending"),
        (Lifecycle.DELETING, [], "deleting"),
        (Lifecycle.REVERTING, [], "reverting"),
        (Lifecycle.MAINTENANCE, [], "maintenance"),
        (Lifecycle.ERROR, [], "error"),
        (Lifecycle.ERROR_DELETING, [], "error_deleting"),
    ],
)
def test_status_in_cinders_words(lifecycle, attachments, expected):
    assert status(volume(lifecycle), attachments) == expected


@pytest.mark.parametrize("size", [0, -1, LARGEST_GIB + 1])
def test_sizes_that_no_volume_has(size):
    with pytest.raises(Invalid, match=str(size)):
        check_new("data", size, {})


@pytest.mark.parametrize(
    ("name", "metadata"), [("n" * 256, {}), ("n", {"": "x"}), ("n", {"k": "v" * 256}), ("n", {"k" * 256: "v"})]
)
def test_words_that_are_too_long_or_empty(name, metadata):
    with pytest.raises(Invalid):
        check_new(name, 1, metadata)


@pytest.mark.parametrize(("name", "metadata"), [("\ud800", {}), ("a", {"b\udfff": ""}), ("a", {"b": "c\ud800"})])
def test_half_of_a_surrogate_pair_is_no_text(name, metadata):
    with pytest.raises(Invalid, match="half of a surrogate pair"):
        check_new(name, 1, metadata)


def test_what_is_right_passes():
    check_new("", 1, {"k": ""})
    check_reserve(volume(), [], [])
    check_delete(volume(), [])
    check_delete(volume(Lifecycle.ERROR), [])
    check_extend(volume(), 3)


@pytest.mark.parametrize("attachment", list(Status))
def test_a_taken_volume_is_neither_reserved_nor_deleted(attachment):
    with pytest.raises(Conflict, match=r"must be available .*: web has it"):
        check_reserve(volume(), [attachment], ["web has it"])
    with pytest.raises(Conflict, match="detached before it is deleted: web has it"):
        check_delete(volume(), ["web has it"])


@pytest.mark.parametrize("lifecycle", [Lifecycle.CREATING, Lifecycle.EXTENDING, Lifecycle.REVERTING])
def test_a_busy_volume_waits(lifecycle):
    with pytest.raises(Invalid):
        check_reserve(volume(lifecycle), [], [])
    for move in (VolumeMove.DELETE, VolumeMove.EXTEND, VolumeMove.REVERT, VolumeMove.COPY, VolumeMove.RESET_AVAILABLE):
        with pytest.raises(Conflict, match=f"Volume v is {lifecycle.value}; it cannot {move.value} now"):
            check_move(volume(lifecycle), move)


def test_what_has_snapshots_is_not_deleted():
    with pytest.raises(Invalid, match="has 2 snapshots"):
        check_delete(volume(), [], 2)


def test_what_is_being_copied_stays_as_it_is():
    check_idle(volume(), [])
    with pytest.raises(Conflict, match="being copied into snapshot s; wait"):
        check_idle(volume(), ["snapshot s"])


def test_a_slow_copy_of_what_somebody_writes_to_is_refused():
    check_copy(volume(), ["web has it"], atomic=True)
    check_copy(volume(), [], atomic=False)
    with pytest.raises(Conflict, match=r"written meanwhile would be in it by half: web has it.*XFS or Btrfs"):
        check_copy(volume(), ["web has it"], atomic=False)


def test_a_read_only_volume_is_attached_so():
    check_mode(volume(), "rw")
    check_mode(replace(volume(), readonly=True), "ro")
    with pytest.raises(Invalid, match="read-only"):
        check_mode(replace(volume(), readonly=True), "rw")


def test_a_reset_says_what_is_true():
    assert move_of_reset("in-use") is VolumeMove.RESET_AVAILABLE
    for wanted in ("deleting", "creating", "nonsense"):
        with pytest.raises(Invalid, match=wanted):
            move_of_reset(wanted)
    check_reset(volume(), "available", "available", there=True)
    check_reset(volume(Lifecycle.ERROR), "error", "error", there=False)
    with pytest.raises(Conflict, match="with its attachments it is in-use"):
        check_reset(volume(), "available", "in-use", there=True)
    with pytest.raises(Conflict, match="never made"):
        check_reset(volume(), "available", "available", there=False)


def made(origin: Origin = Origin.NOTHING, size: int | None = 1, least: int = 0, **metadata) -> Volume:
    return new("v", Wish("data", size, origin, "source", metadata=metadata), "now", volume_type="sparse", least=least)


def test_a_volume_made_from_nothing_is_blank_until_it_is_written():
    assert made().blank
    after = written(made(), "then")
    assert (after.blank, after.updated_at) == (False, "then")
    assert written(after, "later").blank is False


# Whoever adds one of these to what a backend can copy meets this test: such a volume has somebody's data.
@pytest.mark.parametrize("origin", [origin for origin in Origin if origin is not Origin.NOTHING])
def test_a_volume_made_from_something_is_never_blank(origin):
    with suppress(Invalid):
        assert not made(origin).blank


def test_a_volume_made_from_something_names_it_and_is_as_large():
    assert (made(Origin.SNAPSHOT).snapshot_id, made(Origin.VOLUME).source_volid) == ("source", "source")
    assert (made(Origin.SNAPSHOT).source_volid, made().snapshot_id, made().source_volid) == ("", "", "")
    assert made(Origin.SNAPSHOT, None, 3).size == 3
    with pytest.raises(Invalid, match="cannot be smaller than another volume of 3 GiB"):
        made(Origin.VOLUME, 2, 3)
    for origin in (Origin.IMAGE, Origin.BACKUP):
        with pytest.raises(Invalid, match=f"not from {origin.value}"):
            made(origin)


def test_what_no_volume_may_be_is_never_made():
    with pytest.raises(Invalid, match="GiB"):
        made(size=0)
    with pytest.raises(Invalid, match="metadata"):
        made(k="v" * 256)


def test_a_volume_is_made_in_two_places_only():
    # Anywhere else it could be said to be blank without a reason.
    root = Path(metadata_server.__file__).parent
    makers = [
        file.relative_to(root).as_posix()
        for file in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Volume"
    ]
    assert makers == ["domain/volume.py", "store/volumes.py"]


@pytest.mark.parametrize("size", [1, 2, LARGEST_GIB + 1])
def test_a_volume_only_grows(size):
    with pytest.raises(Invalid):
        check_extend(volume(), size)
