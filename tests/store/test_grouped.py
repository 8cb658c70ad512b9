"""Transactions whose fsync is shared: committed as all others, relaxed only while they last, rolled back wholly."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.exc import OperationalError

from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.store import kept
from tests.store.test_store import INSTANCE

FULL = 2


def synchronous(store):
    with store.connection() as connection:
        return connection.exec_driver_sql("PRAGMA synchronous").scalar()


def added_in_vain(store):
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
        raise Conflict("no")


@pytest.fixture
def kind():
    return "sqlite"


def test_it_is_there_at_once_and_lasts_when_settled(store, monkeypatch):
    flushed = []
    monkeypatch.setattr("metadata_server.store.lasting.os.fdatasync", flushed.append)
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
    with store.read() as transaction:
        assert transaction.instances.get(INSTANCE.id) == INSTANCE
    assert not flushed
    asyncio.run(store.settled())
    assert len(flushed) == 1


def test_other_transactions_wait_for_the_disk_as_before(store):
    assert synchronous(store) == FULL
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
    assert synchronous(store) == FULL


def test_what_fails_is_not_there_and_leaves_no_connection_relaxed(store):
    with pytest.raises(Conflict):
        added_in_vain(store)
    assert synchronous(store) == FULL
    with store.read() as transaction:
        assert transaction.instances.all() == ()


def test_after_what_failed_the_next_one_is_written(store):
    with pytest.raises(Conflict):
        added_in_vain(store)
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
    with store.connection() as connection:  # another one sees it: it is committed
        assert connection.exec_driver_sql("SELECT count(*) FROM instances").scalar() == 1


def test_a_connection_that_cannot_be_rolled_back_is_not_used_again(store, monkeypatch):
    first = store._kept.transaction()

    def refuse(connection, text):
        raise OperationalError(text, None, Exception("disk I/O error"))

    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="disk I/O error"), store.begin_grouped():
        patch.setattr(kept, "direct", refuse)
    assert store._kept.transaction() is not first
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
    assert synchronous(store) == FULL


def test_what_is_read_meanwhile_by_another_connection_is_what_was_committed(store):
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
        with store.connection() as other:
            assert other.exec_driver_sql("SELECT count(*) FROM instances").scalar() == 0


def test_one_that_is_refused_in_the_middle_leaves_nothing_open(store):
    with store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)
    with pytest.raises(Conflict), store.begin_grouped() as transaction:
        transaction.instances.add(INSTANCE)  # the database itself refuses the second one
    with store.begin() as transaction:  # another connection gets the lock at once
        assert transaction.instances.all() == (INSTANCE,)
