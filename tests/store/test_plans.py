"""What is asked with every request is found by an index: no statement reads a whole table, however many rows there are."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from metadata_server.domain.page import Filter, Order, Page
from metadata_server.domain.states import VolumeMove
from metadata_server.store import prepared
from tests.store.test_store import ATTACHMENT, INSTANCE, VOLUME

NEWEST_FIRST = (Order("created_at", True), Order("id", True))

CALLS = {
    "an instance's token": lambda t: t.instances.token("d"),
    "an instance by address": lambda t: t.instances.by_address("10.0.0.1"),
    "an instance by id": lambda t: t.instances.get("i"),
    "an instance by initiator": lambda t: t.instances.by_initiator("iqn"),
    "an instance's attachments": lambda t: t.attachments.both_of_instance("i"),
    "an attachment with its volume": lambda t: t.attachments.get_both("a"),
    "an attachment": lambda t: t.attachments.get("a"),
    "a volume's attachments": lambda t: t.attachments.of_volume("v"),
    "some volumes' attachments": lambda t: t.attachments.of_volumes(["v", "w"]),
    "a volume": lambda t: t.volumes.get("v"),
    "a volume's snapshots": lambda t: t.snapshots.of_volume("v"),
    "reserving": lambda t: t.volumes.move("v", VolumeMove.RESERVE, "t"),
    "writing an attachment": lambda t: t.attachments.swap(ATTACHMENT, ATTACHMENT),
    "completing an attachment": lambda t: t.attachments.complete("a", None, "t"),
    "an instance completes": lambda t: t.attachments.complete("a", "i", "t"),
    "releasing an attachment": lambda t: t.attachments.release("a", None),
    "an instance releases": lambda t: t.attachments.release("a", "i"),
    "whether a volume may be reserved": lambda t: t.volumes.engaged("v"),
    "removing an attachment": lambda t: t.attachments.remove("a"),
    "marking a volume": lambda t: t.volumes.change("v", "t", blank=False),
    "whether anything is left of attachments": lambda t: t.attachments.unfinished(),
    "what is left of volumes": lambda t: t.volumes.unfinished(),
    "what is left of snapshots": lambda t: t.snapshots.unfinished(),
    "a page of attachments": lambda t: t.attachments.page(Page(limit=10, order=NEWEST_FIRST)),
    "a page of attachments after another": lambda t: t.attachments.page(Page(limit=10, order=NEWEST_FIRST, marker="a")),
    "a page of an instance's attachments": lambda t: t.attachments.page(
        Page(limit=10, order=NEWEST_FIRST, filters=(Filter("instance_id", "i"),))
    ),
    "a page of a volume's attachments": lambda t: t.attachments.page(
        Page(limit=10, order=NEWEST_FIRST, filters=(Filter("volume_id", "v"),))
    ),
    "a page of volumes": lambda t: t.volumes.page(Page(limit=10, order=NEWEST_FIRST)),
    "a page of volumes after another": lambda t: t.volumes.page(Page(limit=10, order=NEWEST_FIRST, marker="v")),
}


@pytest.fixture
def kind():
    return "sqlite"


@contextmanager
def planned(store):
    """Notes how SQLite finds what each statement of the block asks for."""
    found = []

    def explain(_connection, cursor, statement, parameters, _context, _many):
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE"):
            asking = cursor.connection.cursor()
            found.extend(row[3] for row in asking.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    def explained(form, connection, parameters):
        explain(None, connection.connection.dbapi_connection.cursor(), form._text, parameters, None, False)
        return run(form, connection, parameters)

    run = prepared._Form.run  # prepared statements go to the driver itself
    event.listen(store.engine, "before_cursor_execute", explain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared._Form, "run", explained)
        yield found
    event.remove(store.engine, "before_cursor_execute", explain)


def scans(plan):
    """A scan along the index that has the wished order ends with the page; one whose rows are sorted afterwards does not."""
    sorted_after = any("USE TEMP B-TREE FOR ORDER BY" in step for step in plan)
    return [step for step in plan if step.startswith("SCAN") and (sorted_after or " USING " not in step)]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_that_is_asked_often_reads_a_whole_table(store, call):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.instances.add(INSTANCE)
        transaction.attachments.add(ATTACHMENT)
    with planned(store) as plan, store.read() as transaction:
        call(transaction)
    assert plan
    assert not scans(plan), plan


@pytest.mark.parametrize("name", [name for name in CALLS if name.endswith("after another")])
def test_a_page_in_the_middle_begins_there(store, name):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with planned(store) as plan, store.read() as transaction:
        CALLS[name](transaction)
    assert not [step for step in plan if step.startswith("SCAN")], plan


def test_a_scan_would_be_seen(store):
    with planned(store) as plan, store.connection() as connection:
        connection.exec_driver_sql("SELECT * FROM attachments WHERE mode = 'rw'").all()
    assert scans(plan)


def test_an_instances_list_is_one_statement(store):
    said = []
    with store.read() as transaction, store.read() as same:
        same.attachments._connection.connection.dbapi_connection.set_trace_callback(said.append)
        transaction.attachments.both_of_instance("i")
    assert len(said) == 1
