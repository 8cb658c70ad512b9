"""Engines: how a connection is made to each kind of database, and how its transactions begin.

Both run in autocommit: a statement alone is a transaction of its own (on PostgreSQL one round trip, not three), and
`Store.begin` says BEGIN itself. No wait has no end: not for a server that is gone, not for a lock, not for a statement.
"""

from __future__ import annotations

import os
import select
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

from metadata_server.database import DatabaseSettings, private_text
from metadata_server.domain.errors import Unavailable

# FULL: what an instance was told must survive a power cut. The busy timeout is for a second writer, such as a command.
# A deleted secret must not stay in a free page. The cache (KiB at most; SQLite's own is 2 MiB) holds 100,000 attachments (90 MB):
# at boot each instance asks for rows that nobody asked for before.
_PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "secure_delete=ON", "cache_size=-262144",
)  # fmt: skip

CONNECT_SECONDS, STATEMENT_SECONDS, LOCK_SECONDS, SILENT_SECONDS, IDLE_SECONDS = 3, 5, 3, 5, 30
_POSTGRESQL_LIMITS = {
    "statement_timeout": STATEMENT_SECONDS * 1000,
    "lock_timeout": LOCK_SECONDS * 1000,
    # A server that was stopped (SIGSTOP, a frozen machine) in the middle of a transaction does not keep its locks.
    "idle_in_transaction_session_timeout": IDLE_SECONDS * 1000,
}
# Of libpq ("Database Connection Control Functions"). Unacknowledged data ends a connection as keepalives end an idle one.
_POSTGRESQL_CONNECTION = {
    "connect_timeout": CONNECT_SECONDS, "tcp_user_timeout": SILENT_SECONDS * 1000, "keepalives_idle": 10,
    "keepalives_interval": 2, "keepalives_count": 3, "application_name": "blockstore-server",
    "options": " ".join(f"-c {name}={value}" for name, value in _POSTGRESQL_LIMITS.items()),
}  # fmt: skip


@dataclass(frozen=True)
class Database:
    """An engine, the statement that a transaction begins with there, and whether several servers may have it open.

    ``log`` is the file whose fsync makes transactions last that were committed without one, on a connection that was told
    ``relaxed``: None where every commit lasts.
    """

    engine: sqlalchemy.Engine
    begin: str
    shared: bool
    log: Path | None = None
    relaxed: str = ""


def sqlite(path: Path) -> Database:
    """The SQLite database at ``path``; made, mode 0600, where it is not there."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    # IMMEDIATE: one that reads first and then writes must not find out only then that another writes.
    return Database(
        engine, "BEGIN IMMEDIATE", shared=False, log=path.with_name(f"{path.name}-wal"), relaxed="PRAGMA synchronous=NORMAL",
    )  # fmt: skip


def postgresql(settings: DatabaseSettings) -> Database:
    """The PostgreSQL that is configured; nothing is connected yet. Raises `Unavailable` for a password file that others read, and
    where psycopg is not installed."""
    url = sqlalchemy.make_url(settings.url).set(drivername="postgresql+psycopg")
    password = settings.password.reveal() if settings.password else None
    if settings.password_file is not None:
        password = private_text(settings.password_file).partition("\n")[0]
    if password is not None:
        url = url.set(password=password)
    defaults = {key: value for key, value in _POSTGRESQL_CONNECTION.items() if key not in url.query}
    try:
        engine = sqlalchemy.create_engine(
            url, hide_parameters=True, isolation_level="AUTOCOMMIT", connect_args=defaults,
            pool_use_lifo=True, pool_timeout=CONNECT_SECONDS,
        )  # fmt: skip
    except ImportError as error:  # psycopg's own, too, where there is no libpq
        problem = f"a PostgreSQL needs the Python module psycopg: {error}"
        raise Unavailable(problem, hint="apt install python3-psycopg, or pip install '.[postgresql]'") from None
    event.listen(engine, "checkout", _check_postgresql)
    return Database(engine, "BEGIN", shared=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # pysqlite begins transactions by its own rules unless told not to (SQLAlchemy manual, "Serializable isolation").
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _check_postgresql(connection: Any, _record: object, _proxy: object) -> None:
    """A connection that the server has ended meanwhile (a restart) is replaced; asking the kernel costs no round trip."""
    import psycopg  # late: a server on SQLite need not have it

    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    try:
        while poll.poll(0):
            connection.pgconn.consume_input()
    except psycopg.Error as error:
        raise DisconnectionError from error
