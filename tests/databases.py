"""Real databases for tests: each test has one of its own, SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from metadata_server.database import DatabaseSettings
from metadata_server.store import Store
from testbed.postgresql import LocalPostgresql

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[LocalPostgresql]:
    """One server for all tests; `LocalPostgresql.database` makes databases."""
    server = LocalPostgresql()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(postgresql: LocalPostgresql) -> str:
    """A database with our tables, to make others from: quicker than to migrate each."""
    name = postgresql.database()
    Store.open(Path("/nowhere"), postgresql.settings(name)).close()
    return name


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database: every test that asks for it runs on both."""
    return str(request.param)


@pytest.fixture
def settings(kind: str, request: pytest.FixtureRequest) -> DatabaseSettings:
    """A database with our tables and nothing in it."""
    if kind == "sqlite":
        return DatabaseSettings()
    server: LocalPostgresql = request.getfixturevalue("postgresql")
    return server.settings(server.database(template=request.getfixturevalue("migrated")))


Opened = Callable[..., Store]


@pytest.fixture
def opened(tmp_path: Path, settings: DatabaseSettings) -> Iterator[Opened]:
    """Opens the test's database, as often as it is asked to: as so many servers would."""
    stores: list[Store] = []

    def open_one(**changes: object) -> Store:
        stores.append(Store.open(tmp_path / "state.db", replace(settings, **changes)))  # type: ignore[arg-type]
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opened) -> Store:
    """The test's database, open."""
    return opened()
