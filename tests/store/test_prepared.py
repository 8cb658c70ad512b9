"""Statements that are compiled once answer as those that are not, with the columns' own types, on both databases."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import bindparam, insert, select, update

from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.store import prepared
from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import attachments, instances, volumes
from tests.store.test_store import ATTACHMENT, INSTANCE, VOLUME

BY_ID = Prepared(select(instances).where(instances.c.id == bindparam("key")))


def test_a_row_has_its_columns_names(store):
    with store.begin() as transaction:
        transaction.instances.add(INSTANCE)
    with store.connection() as connection:
        found = BY_ID.first(connection, key="i")
        assert (found.name, found.user_data) == (INSTANCE.name, INSTANCE.user_data)
        assert BY_ID.first(connection, key="nobody") is None


def test_two_tables_columns_of_one_name_are_told_apart_by_place(store):
    both = Prepared(select(attachments, volumes).join(volumes, volumes.c.id == attachments.c.volume_id))
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with store.connection() as connection:
        row = both.first(connection)
    assert (row[0], row[len(attachments.c)]) == (ATTACHMENT.id, VOLUME.id)
    assert row.connector["initiator"] == ATTACHMENT.connector.initiator
    assert row.mutual is True


def test_it_says_how_many_it_wrote(store):
    rename = Prepared(update(instances).where(instances.c.id == bindparam("key")).values(name=bindparam("to")))
    with store.begin() as transaction:
        transaction.instances.add(INSTANCE)
    with store.connection() as connection:
        assert rename.write(connection, key="i", to="db") == 1
        assert rename.write(connection, key="nobody", to="db") == 0
        assert BY_ID.first(connection, key="i").name == "db"


def test_a_forgotten_value_is_an_error_and_not_null(store):
    with store.connection() as connection, pytest.raises(KeyError):
        BY_ID.rows(connection)


def test_what_the_database_refuses_is_one_of_our_errors(store):
    add = Prepared(insert(volumes))
    values = {each.key: None for each in volumes.c}
    with pytest.raises(Conflict), store.connection() as connection:
        add.write(connection, **values)


def test_what_a_statement_that_writes_returns_has_the_columns_types(store):
    reword = Prepared(update(attachments).values(mode=bindparam("to")).returning(attachments.c.connector, attachments.c.mutual))
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with store.connection() as connection:
        [row] = reword.rows(connection, to="ro")
    assert (row.connector["initiator"], row.mutual) == (ATTACHMENT.connector.initiator, True)


class Late:
    """A cursor whose disk is full when the last row is asked for."""

    def fetchall(self):
        raise sqlite3.OperationalError("database or disk is full")


def test_a_full_disk_is_told_as_late_as_with_the_last_row(store, monkeypatch):
    monkeypatch.setattr(prepared._Form, "run", lambda *_: Late())
    with pytest.raises(Unavailable, match="disk is full"), store.read() as transaction:
        transaction.attachments.release("a", None)
