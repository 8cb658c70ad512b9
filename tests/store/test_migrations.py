"""Up from every schema that was ever released, with its rows, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from blockstore.attachment import Status
from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.states import Lifecycle
from metadata_server.store import Store, engine
from metadata_server.store.migrating import NEWEST, REVISIONS
from metadata_server.store.tables import METADATA

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.sql"))


@pytest.fixture
def settings(kind, request):
    """An empty database, without our tables."""
    from metadata_server.database import DatabaseSettings

    if kind == "sqlite":
        return DatabaseSettings()
    server = request.getfixturevalue("postgresql")
    return server.settings(server.database())


def restore(file, path, settings):
    database = engine.postgresql(settings) if settings.shared else engine.sqlite(path)
    with database.engine.connect() as connection:
        for statement in file.read_text().split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.commit()
    database.engine.dispose()


@pytest.fixture(params=SCHEMAS, ids=[file.stem for file in SCHEMAS])
def old(request, tmp_path, settings):
    restore(request.param, tmp_path / "state.db", settings)


def test_an_old_database_is_brought_up_to_date_with_its_rows(old, opened):
    store = opened()
    with store.connection() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == NEWEST
    with store.read() as transaction:
        (first, data), (second, other) = transaction.attachments.all_both()
        assert (first.id, first.status, first.mutual, first.attached_at != "") == ("a1", Status.ATTACHED, True, True)
        assert first.chap is not None
        assert (first.chap.password, first.chap.password_in) == (Secret("oldpassword1"), Secret("oldpassword2"))
        assert first.connector is not None
        assert first.connector.initiator == "iqn.2018-12.com.leftasexercise:web"
        assert (second.id, second.mode, second.chap, second.connector) == ("a2", "ro", None, None)
        assert (data.name, data.size, data.blank, data.lifecycle) == ("data", 10, False, Lifecycle.READY)
        assert data.metadata == {"blockstore.mount": "/srv/data"}
        assert (other.blank, other.volume_type, other.readonly) == (True, "sparse", False)
        instance = transaction.instances.get("i1")
        assert (instance.name, instance.user_data, instance.addresses) == ("web", "#cloud-config", ())
        assert transaction.instances.token("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8")[1] == "i1"
    with store.begin() as transaction:
        transaction.volumes.change("v2", "t", name="it can be written")


def test_a_second_start_changes_nothing(old, opened):
    opened().close()
    with opened().read() as transaction:
        assert len(transaction.attachments.all()) == 2


def test_a_database_of_a_later_release_is_left_alone(opened):
    store = opened()
    with store.connection() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(Unavailable, match=r"of a later release \(its tables are 9999.*update the server"):
        opened()


def test_many_servers_that_start_at_once_migrate_once(postgresql):
    from concurrent.futures import ThreadPoolExecutor

    settings = postgresql.settings(postgresql.database())
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(lambda _: Store.open(Path("/nowhere"), settings), range(4)):
            store.close()


def test_numbers_follow_each_other():
    assert [int(number) for number in REVISIONS] == list(range(1, len(REVISIONS) + 1))
