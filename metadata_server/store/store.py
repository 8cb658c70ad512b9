"""Opening the database, and transactions: what is said in one is there wholly or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from metadata_server.domain.errors import Unavailable
from metadata_server.store.attachments import Attachments
from metadata_server.store.instances import Instances
from metadata_server.store.volumes import Volumes

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = max(file.name for file in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]

# FULL: what an instance was told must survive a power cut. The busy timeout is for a second reader such as sqlite3(1).
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000")


class Transaction:
    """One unit of work, with the tables' statements."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self.instances = Instances(connection)
        self.volumes = Volumes(connection)
        self.attachments = Attachments(connection)


class Store:
    """The database behind one engine."""

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open (and make, mode 0600) the SQLite database, and bring its tables up to date."""
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        engine = sqlalchemy.create_engine(f"sqlite:///{path}", hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        store = cls(engine)
        store.migrate()
        return store

    def migrate(self) -> None:
        """Apply the migrations that this database has not had."""
        if self._current() == NEWEST:
            return
        import alembic.command  # late: it is most of the time of a start that has nothing to migrate
        import alembic.config

        configuration = alembic.config.Config()
        configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.engine.begin() as connection:
            configuration.attributes["connection"] = connection
            alembic.command.upgrade(configuration, "head")

    def _current(self) -> str:
        """The newest migration that this database had."""
        with self.engine.begin() as connection:
            if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                return ""
            return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar())

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction: committed at the end, rolled back by any exception. Raises `Unavailable` where the database cannot be
        read or written (a full disk); its words hold no value of ours."""
        try:
            with self.engine.begin() as connection:
                yield Transaction(connection)
        except OperationalError as error:
            raise Unavailable(f"the server's database: {error.orig}") from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _prepare(connection: object, _record: object) -> None:
    # pysqlite begins transactions by its own rules unless told not to (SQLAlchemy manual, "Serializable isolation").
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sqlalchemy.Connection) -> None:
    connection.exec_driver_sql("BEGIN")
