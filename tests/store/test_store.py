from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.instance import Instance
from metadata_server.domain.volume import Lifecycle, Volume
from metadata_server.store.tables import METADATA

VOLUME = Volume("v", "data", 1, "t1", "t1", metadata={"k": "v"})
INSTANCE = Instance("i", "web", "iqn.2018-12.com.leftasexercise:web", "t1", "user", "net")
ATTACHMENT = Attachment(
    "a", "v", "i", Status.ATTACHING, "rw", True, "t1",
    connector=Connector("iqn.2018-12.com.leftasexercise:web", ip="10.0.0.1"), chap=Chap("u", Secret("p"), "w", Secret("q")),
)  # fmt: skip


def test_the_migrations_make_the_tables(store):
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_what_was_said_is_there_at_the_next_start(opened):
    store = opened()
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
    store.close()
    with opened().read() as transaction:
        assert transaction.volumes.get("v") == VOLUME


def test_what_goes_in_comes_out(store):
    with store.begin() as transaction:
        transaction.instances.add(INSTANCE)
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with store.begin() as transaction:
        assert transaction.instances.get("i") == INSTANCE
        assert transaction.attachments.get("a") == ATTACHMENT
        bare = replace(ATTACHMENT, connector=None, chap=None, status=Status.RESERVED)
        transaction.attachments.save(bare)
        transaction.volumes.save(replace(VOLUME, lifecycle=Lifecycle.READY, blank=False))
    with store.begin() as transaction:
        assert transaction.attachments.of_instance("i") == (bare,)
        assert transaction.attachments.of_volume("other") == ()
        assert transaction.volumes.all() == (replace(VOLUME, lifecycle=Lifecycle.READY, blank=False),)


def test_what_is_not_blank_stays_so_whatever_is_saved(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.volumes.save(replace(VOLUME, name="still blank"))
        assert transaction.volumes.get("v").blank
        transaction.volumes.save(replace(VOLUME, blank=False))
        transaction.volumes.save(replace(VOLUME, name="stale", blank=True))
    with store.begin() as transaction:
        assert transaction.volumes.get("v") == replace(VOLUME, name="stale", blank=False)


def test_what_is_left_to_do_is_found(store):
    ready = replace(VOLUME, lifecycle=Lifecycle.READY)
    with store.begin() as transaction:
        transaction.volumes.add(ready)
        transaction.attachments.add(ATTACHMENT)
        assert not transaction.volumes.unfinished()
        assert not transaction.attachments.unfinished()
        for changed in (replace(ATTACHMENT, status=Status.ERROR_ATTACHING), replace(ATTACHMENT, released=True)):
            transaction.attachments.save(changed)
            assert transaction.attachments.unfinished()
        for lifecycle in (Lifecycle.CREATING, Lifecycle.EXTENDING, Lifecycle.DELETING):
            transaction.volumes.save(replace(ready, lifecycle=lifecycle))
            assert transaction.volumes.unfinished()


def test_a_transaction_is_all_or_nothing(store):
    with pytest.raises(Conflict), store.begin() as transaction:  # noqa: PT012
        transaction.volumes.add(VOLUME)
        transaction.volumes.add(VOLUME)
    with store.begin() as transaction:
        assert transaction.volumes.all() == ()


def test_an_attachment_needs_its_volume(store):
    with pytest.raises(Conflict) as caught, store.begin() as transaction:
        transaction.attachments.add(ATTACHMENT)
    assert "'p'" not in f"{caught.value} {caught.value.__cause__}"  # the parameters hold secrets


def test_what_the_database_cannot_hold_is_refused_without_a_word_of_it(store, kind):
    for text in ("\ud800", *(("nul\0", "x" * 256) if kind == "postgresql" else ())):
        with pytest.raises(Invalid, match="a text is too long, or holds characters") as caught, store.begin() as transaction:
            transaction.volumes.add(replace(VOLUME, name=text))
        assert text not in str(caught.value)
    with store.read() as transaction:
        assert transaction.volumes.all() == ()


def test_credentials_are_of_one_attachment(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with pytest.raises(Conflict), store.begin() as transaction:
        transaction.attachments.add(replace(ATTACHMENT, id="b"))


def test_tokens_and_reports_go_with_their_instance(store):
    with store.begin() as transaction:
        transaction.instances.add(INSTANCE)
        transaction.instances.add_token("d1", "i", "t")
        transaction.instances.add_token("d2", "i", "t")
        for received in ("t1", "t2"):
            transaction.instances.set_report("i", {"version": 1}, received)
    with store.begin() as transaction:
        assert transaction.instances.token("d1") == ("d1", "i")
        assert transaction.instances.report("i") == ({"version": 1}, "t2")
        transaction.instances.remove("i")
    with store.begin() as transaction:
        assert transaction.instances.token("d1") is None
        assert transaction.instances.report("i") is None
