import ast
from contextlib import suppress
from pathlib import Path

import pytest

import metadata_server
from blockstore.attachment import Status
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.volume import (
    LARGEST_GIB,
    Lifecycle,
    Origin,
    Volume,
    check_delete,
    check_extend,
    check_new,
    check_reserve,
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
    check_reserve(volume(), [], [])
    check_delete(volume(), [])
    check_delete(volume(Lifecycle.ERROR), [])
    check_extend(volume(), 3)


@pytest.mark.parametrize("attachment", list(Status))
def test_a_taken_volume_is_neither_reserved_nor_deleted(attachment):
    with pytest.raises(Conflict, match=r"must be available .*: web has it"):
        check_reserve(volume(), [attachment], ["web has it"])
    with pytest.raises(Invalid, match="detached before it is deleted: web has it"):
        check_delete(volume(), ["web has it"])


@pytest.mark.parametrize("lifecycle", [Lifecycle.CREATING, Lifecycle.EXTENDING])
def test_a_busy_volume_waits(lifecycle):
    with pytest.raises(Invalid):
        check_reserve(volume(lifecycle), [], [])
    with pytest.raises(Conflict):
        check_delete(volume(lifecycle), [])
    with pytest.raises(Conflict):
        check_extend(volume(lifecycle), 9)


def made(origin: Origin = Origin.NOTHING, **values) -> Volume:
    return new("v", "data", values.pop("size", 1), "now", origin=origin, description="", metadata=values)


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
