"""A step that is one statement: it moves as the table of moves says, tells what it moved, and is a transaction of its own."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from blockstore.attachment import Status
from metadata_server.domain.attachment import Ending
from metadata_server.domain.errors import Conflict
from metadata_server.domain.states import ATTACHMENT as MOVES
from metadata_server.domain.states import VOLUME as VOLUME_MOVES
from metadata_server.domain.states import Lifecycle, Move, SnapshotStatus, VolumeMove
from tests.store.test_store import ATTACHMENT, SNAPSHOT, VOLUME

READY = replace(VOLUME, lifecycle=Lifecycle.READY)


def there(store, attachment=ATTACHMENT, volume=READY):
    with store.begin() as transaction:
        transaction.volumes.add(volume)
        transaction.attachments.add(attachment)


def gone(store):
    with store.begin() as transaction:
        transaction.attachments.remove("a")
        transaction.volumes.remove("v")


@pytest.mark.parametrize("released", [False, True])
def test_completing_changes_what_the_table_says(store, released):
    for state, since in itertools.product(Status, ("", "t5")):
        before = replace(ATTACHMENT, status=state, attached_at=since, released=released)
        there(store, before)
        with store.single() as transaction:
            said = transaction.attachments.complete("a", None, "t9")
        after = MOVES.get((state, Move.COMPLETE), state)
        moves = after is not state and not released
        with store.read() as transaction:
            found = transaction.attachments.get("a")
        assert said == ("i" if moves else None)
        assert found == (replace(before, status=after, attached_at=since or "t9") if moves else before)
        gone(store)


@pytest.mark.parametrize("state", Status)
def test_releasing_is_legal_from_everywhere(store, state):
    before = replace(ATTACHMENT, status=state)
    there(store, before)
    for _ in range(2):  # again, too: a kill may have come in between
        with store.single() as transaction:
            assert transaction.attachments.release("a", None) == Ending("a", "v", "i", written=False)
    with store.read() as transaction:
        assert transaction.attachments.get("a") == replace(before, status=Status.DETACHING, released=True)


@pytest.mark.parametrize(
    ("blank", "mode", "attached_at", "written"),
    [(True, "rw", "t5", True), (False, "rw", "t5", False), (True, "ro", "t5", False), (True, "rw", "", False)],
)
def test_releasing_tells_whether_a_blank_volume_was_written(store, blank, mode, attached_at, written):
    there(store, replace(ATTACHMENT, mode=mode, attached_at=attached_at), replace(READY, blank=blank))
    with store.single() as transaction:
        ending = transaction.attachments.release("a", None)
    assert ending.written is written


def test_another_instances_attachment_is_not_there(store):
    there(store)
    with store.read() as transaction:
        assert transaction.attachments.complete("a", "other", "t9") is None
        assert transaction.attachments.release("a", "other") is None
        assert transaction.attachments.release("b", None) is None
        assert transaction.attachments.get("a") == ATTACHMENT
        assert transaction.attachments.complete("a", "i", "t9") == "i"
        assert transaction.attachments.release("a", "i") is not None


def test_a_move_gives_the_volume_after_it(store):
    for state, move in itertools.product(Lifecycle, VolumeMove):
        before = replace(VOLUME, lifecycle=state)
        with store.begin() as transaction:
            transaction.volumes.add(before)
            after = VOLUME_MOVES.get((state, move))
            wanted = replace(before, lifecycle=after, updated_at="t9") if after else None
            assert transaction.volumes.moved("v", move, "t9") == wanted
            assert transaction.volumes.get("v") == (wanted or before)
            transaction.volumes.remove("v")


def test_what_forbids_a_reservation_is_found(store):
    with store.begin() as transaction:
        transaction.volumes.add(READY)
        transaction.volumes.add(replace(READY, id="w", source_volid="v"))
        transaction.snapshots.add(replace(SNAPSHOT, status=SnapshotStatus.AVAILABLE))
        assert not transaction.volumes.engaged("v"), "copies that are done hold nothing up"
        transaction.volumes.add(replace(VOLUME, id="x", source_volid="v"))
        assert transaction.volumes.engaged("v")
        transaction.volumes.remove("x")
        transaction.snapshots.add(replace(SNAPSHOT, id="s2"))
        assert transaction.volumes.engaged("v")
        assert not transaction.volumes.engaged("w")
        transaction.attachments.add(replace(ATTACHMENT, volume_id="w"))
        assert transaction.volumes.engaged("w")


def test_a_swap_writes_what_changed_and_no_more(store):
    there(store)
    attached = replace(ATTACHMENT, status=Status.ATTACHED, attached_at="t2")
    with store.begin() as transaction:
        assert transaction.attachments.swap(ATTACHMENT, ATTACHMENT)
        # Somebody who saw it before it had a connector leaves the connector alone.
        assert transaction.attachments.swap(replace(ATTACHMENT, connector=None), replace(attached, connector=None))
        assert transaction.attachments.get("a") == attached


def test_a_single_statement_is_committed_and_lasts_when_settled(store, kind, monkeypatch):
    flushed = []
    monkeypatch.setattr("metadata_server.store.lasting.os.fdatasync", flushed.append)
    there(store)
    with store.single() as transaction:
        transaction.attachments.complete("a", None, "t9")
    with store.begin() as another:  # on a connection of its own
        assert another.attachments.get("a").status is Status.ATTACHED
    asyncio.run(store.settled())
    assert len(flushed) == (1 if kind == "sqlite" else 0)


def test_one_that_is_refused_leaves_nothing_open(store):
    there(store)
    with pytest.raises(Conflict), store.single() as transaction:
        transaction.attachments.add(replace(ATTACHMENT, id="b", chap=None))
    with store.begin() as transaction:
        assert [each.id for each in transaction.attachments.all()] == ["a"]
