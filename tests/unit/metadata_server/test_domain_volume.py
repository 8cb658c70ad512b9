import pytest

from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.volume import (
    LARGEST_GIB,
    Lifecycle,
    Volume,
    check_delete,
    check_extend,
    check_new,
    check_reserve,
    status,
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
        (Lifecycle.ERROR, [], "error"),
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


def test_what_is_right_passes():
    check_new("", 1, {"k": ""})
    check_reserve(volume(), [])
    check_delete(volume(), [])
    check_delete(volume(Lifecycle.ERROR), [])
    check_extend(volume(), 3)


@pytest.mark.parametrize("attachment", list(Status))
def test_a_taken_volume_is_neither_reserved_nor_deleted(attachment):
    with pytest.raises(Invalid, match="must be available"):
        check_reserve(volume(), [attachment])
    with pytest.raises(Invalid, match="detached"):
        check_delete(volume(), [attachment])


@pytest.mark.parametrize("lifecycle", [Lifecycle.CREATING, Lifecycle.EXTENDING])
def test_a_busy_volume_waits(lifecycle):
    with pytest.raises(Invalid):
        check_reserve(volume(lifecycle), [])
    with pytest.raises(Conflict):
        check_delete(volume(lifecycle), [])
    with pytest.raises(Conflict):
        check_extend(volume(lifecycle), 9)


@pytest.mark.parametrize("size", [1, 2, LARGEST_GIB + 1])
def test_a_volume_only_grows(size):
    with pytest.raises(Invalid):
        check_extend(volume(), size)
