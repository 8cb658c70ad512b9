import itertools
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
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import ON_THE_WAY, Lifecycle, SnapshotMove, SnapshotStatus, VolumeMove
from metadata_server.domain.states import SNAPSHOT as SNAPSHOT_MOVES
from metadata_server.domain.states import VOLUME as VOLUME_MOVES
from metadata_server.domain.volume import Volume
from metadata_server.store.reports import Kept
from metadata_server.store.tables import METADATA

VOLUME = Volume("v", "data", 1, "t1", "t1", metadata={"k": "v"}, volume_type="sparse")
SNAPSHOT = Snapshot("s", "v", "before", 1, "t1", "t1", metadata={"k": "v"})
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
        assert transaction.attachments.swap(ATTACHMENT, bare)
        assert not transaction.attachments.swap(ATTACHMENT, bare)
        assert transaction.volumes.move("v", VolumeMove.FINISH, "t2", blank=False)
    with store.begin() as transaction:
        assert transaction.attachments.of_instance("i") == (bare,)
        assert transaction.attachments.of_volume("other") == ()
        assert transaction.volumes.get("v") == replace(VOLUME, lifecycle=Lifecycle.READY, blank=False, updated_at="t2")


def test_what_is_not_blank_stays_so_whatever_is_saved(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.volumes.change("v", "t2", name="still blank")
        assert transaction.volumes.get("v").blank
        transaction.volumes.change("v", "t3", blank=False)
        transaction.volumes.change("v", "t4", name="stale", blank=True)
        transaction.volumes.move("v", VolumeMove.FINISH, "t5", blank=True)
    with store.begin() as transaction:
        found = transaction.volumes.get("v")
        assert (found.name, found.blank, found.updated_at) == ("stale", False, "t5")


def test_volumes_move_as_the_table_says(store):
    for state, move in itertools.product(Lifecycle, VolumeMove):
        with store.begin() as transaction:
            for identifier in ("v", "other"):
                transaction.volumes.add(replace(VOLUME, id=identifier, lifecycle=state))
            assert transaction.volumes.move("v", move, "t2", size=2) is ((state, move) in VOLUME_MOVES)
            found = transaction.volumes.get("v")
            assert found.lifecycle is VOLUME_MOVES.get((state, move), state)
            assert found.size == (2 if (state, move) in VOLUME_MOVES else 1)
            assert transaction.volumes.get("other") == replace(VOLUME, id="other", lifecycle=state)
            transaction.volumes.remove("v")
            transaction.volumes.remove("other")


def test_snapshots_move_as_the_table_says(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        for state, move in itertools.product(SnapshotStatus, SnapshotMove):
            transaction.snapshots.add(replace(SNAPSHOT, status=state))
            assert transaction.snapshots.move("s", move, "t2") is ((state, move) in SNAPSHOT_MOVES)
            assert transaction.snapshots.get("s").status is SNAPSHOT_MOVES.get((state, move), state)
            transaction.snapshots.remove("s")


def test_a_volume_has_one_attachment_whatever_anybody_thinks(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.attachments.add(ATTACHMENT)
    with pytest.raises(Conflict), store.begin() as transaction:
        transaction.attachments.add(replace(ATTACHMENT, id="b", chap=None))


def test_what_is_left_to_do_is_found(store):
    ready = replace(VOLUME, lifecycle=Lifecycle.READY)
    with store.begin() as transaction:
        transaction.volumes.add(ready)
        transaction.attachments.add(ATTACHMENT)
        assert not transaction.volumes.unfinished()
        assert not transaction.snapshots.unfinished()
        assert not transaction.attachments.unfinished()
        failed, released = replace(ATTACHMENT, status=Status.ERROR_ATTACHING), replace(ATTACHMENT, released=True)
        for before, after in ((ATTACHMENT, failed), (failed, released)):
            assert transaction.attachments.swap(before, after)
            assert transaction.attachments.unfinished()
        for number, lifecycle in enumerate(ON_THE_WAY):
            transaction.volumes.add(replace(VOLUME, id=str(number), lifecycle=lifecycle))
            assert [each.id for each in transaction.volumes.unfinished()] == [str(each) for each in range(number + 1)]
        transaction.snapshots.add(SNAPSHOT)
        assert transaction.snapshots.unfinished() == (SNAPSHOT,)


def test_what_is_being_copied_is_found(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.volumes.add(replace(VOLUME, id="c", source_volid="v"))
        transaction.volumes.add(replace(VOLUME, id="d", snapshot_id="s"))
        assert transaction.volumes.made_from(volume="v") == ("c",)
        assert transaction.volumes.made_from(snapshot="s") == ("d",)
        assert transaction.volumes.made_from(snapshot="v") == transaction.volumes.made_from() == ()


def test_quotas_are_what_was_set_last(store):
    with store.begin() as transaction:
        transaction.quotas.set({"volumes": 3, "gigabytes": 9})
        transaction.quotas.set({"volumes": 4})
        assert transaction.quotas.hold() == {"volumes": 4, "gigabytes": 9}
        transaction.quotas.clear()
        assert transaction.quotas.all() == {}


def test_a_transaction_is_all_or_nothing(store):
    with pytest.raises(Conflict), store.begin() as transaction:  # noqa: PT012
        transaction.volumes.add(VOLUME)
        transaction.volumes.add(VOLUME)
    with store.begin() as transaction:
        assert transaction.volumes.get("v") is None


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
        assert transaction.volumes.get("v") is None


def test_credentials_are_of_one_attachment(store):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.volumes.add(replace(VOLUME, id="w"))
        transaction.attachments.add(ATTACHMENT)
    with pytest.raises(Conflict), store.begin() as transaction:
        transaction.attachments.add(replace(ATTACHMENT, id="b", volume_id="w"))


def test_tokens_and_reports_go_with_their_instance(store):
    with store.begin() as transaction:
        transaction.instances.add(INSTANCE)
        transaction.instances.add_token("d1", "i", "t")
        transaction.instances.add_token("d2", "i", "t")
        transaction.reports.put("i", {"version": 1}, "t1", healthy=True)
        transaction.reports.put_away(Kept("i", {"version": 1}, "t0"))
    with store.begin() as transaction:
        assert transaction.instances.token("d1") == ("d1", "i")
        assert [each.received_at for each in transaction.reports.of_instance("i")] == ["t1", "t0"]
        transaction.instances.remove("i")
    with store.begin() as transaction:
        assert transaction.instances.token("d1") is None
        assert transaction.reports.of_instance("i") == ()
