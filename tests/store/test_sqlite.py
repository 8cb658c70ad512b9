from dataclasses import replace

import pytest

from metadata_server.domain.errors import Unavailable
from metadata_server.store import Store
from tests.store.test_store import VOLUME


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "state.db")
    yield opened
    opened.close()


def test_the_file_is_its_owners_alone(store, tmp_path):
    assert [file.stat().st_mode & 0o777 for file in sorted(tmp_path.glob("state.db*"))] == [0o600] * len(list(tmp_path.iterdir()))


def test_a_database_that_cannot_be_written_is_said_to_be_so(store):
    with store.begin() as transaction:
        pages = transaction.volumes._connection.exec_driver_sql("PRAGMA page_count").scalar()
        transaction.volumes._connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Unavailable, match="database or disk is full"):  # noqa: SIM117
        with store.begin() as transaction:
            transaction.volumes.add(replace(VOLUME, description="x" * 100_000))
    with store.begin() as transaction:
        assert transaction.volumes.get(VOLUME.id) is None


def test_one_who_reads_first_and_writes_then_is_not_overtaken(store, tmp_path):
    other = Store.open(tmp_path / "state.db")
    other.engine.dispose()
    with store.begin() as transaction:
        assert transaction.volumes.get("v") is None
        with other.connection() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")
            with pytest.raises(Exception, match="database is locked"):
                connection.exec_driver_sql("BEGIN IMMEDIATE")
        transaction.volumes.add(VOLUME)
    other.close()
