"""What only happens with a database that is a server of its own: it restarts, it freezes, it is locked by another process."""

import signal
import sys
import time
from pathlib import Path

import pytest

from metadata_server.database import DatabaseSettings
from metadata_server.domain.errors import Unavailable
from metadata_server.store import Store, engine
from testbed.postgresql import LocalPostgresql
from tests.store.test_store import VOLUME


@pytest.fixture
def own_server():
    """One that may be killed."""
    server = LocalPostgresql()
    yield server
    server.stop()


@pytest.fixture
def store(postgresql, migrated):
    opened = Store.open(Path("/nowhere"), postgresql.settings(postgresql.database(template=migrated)))
    yield opened
    opened.close()


def test_a_restart_between_two_requests_is_not_noticed_and_one_without_it_is_refused_at_once(own_server):
    store = Store.open(Path("/nowhere"), own_server.settings(own_server.database()))
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
    own_server.end()
    for _ in range(20):
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"the server's database: .*connection"), store.read() as transaction:
            transaction.volumes.get("v")
        assert time.monotonic() - began < 0.5
    own_server.start()
    time.sleep(1.1)  # so long nobody tries after a failure
    with store.read() as transaction:
        assert transaction.volumes.get("v") == VOLUME
    own_server.end()
    own_server.start()
    with store.begin() as transaction:
        assert transaction.volumes.get("v") == VOLUME
    store.close()


def test_a_frozen_database_holds_a_request_up_for_seconds_and_the_next_not_at_all(own_server, monkeypatch):
    monkeypatch.setattr(engine, "CONNECT_SECONDS", 2)
    store = Store.open(Path("/nowhere"), own_server.settings(own_server.database()))
    store.engine.dispose()
    own_server._process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(Unavailable, match="timeout"), store.read():
            pass
        assert time.monotonic() - began < engine.CONNECT_SECONDS + 2
        began = time.monotonic()
        with pytest.raises(Unavailable, match="timeout"), store.read():
            pass
        assert time.monotonic() - began < 0.1
    finally:
        own_server._process.send_signal(signal.SIGCONT)
    store.close()


def test_who_waits_for_a_row_that_another_server_holds_is_refused_in_time(store, monkeypatch):
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
    with store.begin() as holder:
        holder.volumes.change("v", "t2", name="held")
        with store.read() as reader:
            assert reader.volumes.get("v") == VOLUME
        began = time.monotonic()
        with pytest.raises(Unavailable, match="lock timeout"), store.begin() as second:
            second.volumes.change("v", "t2", name="held")
        assert engine.LOCK_SECONDS - 0.5 < time.monotonic() - began < engine.LOCK_SECONDS + 2


@pytest.mark.parametrize("url", ["postgresql://nobody@/{name}?host={folder}", "postgresql://blockstore@/none?host={folder}"])
def test_a_database_that_lets_us_not_in_is_named_and_the_password_is_not(postgresql, url):
    settings = DatabaseSettings(url.format(name="postgres", folder=postgresql.folder), password_file=postgresql.password_file)
    with pytest.raises(Unavailable, match=r"the server's database: .*FATAL") as caught:
        Store.open(Path("/nowhere"), settings)
    assert postgresql.password not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_password_file_that_others_may_read_is_refused(postgresql, tmp_path):
    file = tmp_path / "password"
    file.write_text(postgresql.password)
    file.chmod(0o640)
    with pytest.raises(Unavailable, match=f"{file} may be read by others"):
        Store.open(Path("/nowhere"), DatabaseSettings(postgresql.url("postgres"), password_file=file))


def test_without_psycopg_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unavailable, match=r"needs the Python module psycopg.*\[postgresql\]"):
        Store.open(Path("/nowhere"), DatabaseSettings("postgresql://blockstore@127.0.0.1/blockstore"))
