"""Bringing a database up to date: the migrations that it has not had, in one transaction, by one process."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from metadata_server.domain.errors import Unavailable
from metadata_server.store import locks

MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
NEWEST = REVISIONS[-1]

# A migration may rewrite a large table, and another process may be at it.
_PATIENCE = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"


def migrate(connection: sqlalchemy.Connection, revision: str = "head") -> None:
    """Apply what is missing. Raises `Unavailable` for a database that a later release has changed."""
    if current(connection) == NEWEST:
        return
    if connection.dialect.name == "sqlite":
        # Alembic makes a table anew and drops the old one; no row that refers to it may go with it.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection, revision)
        if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
            raise Unavailable(f"the migration would leave {len(broken)} rows that refer to nothing; nothing was changed")
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    else:
        connection.exec_driver_sql(f"BEGIN; {_PATIENCE}")
        connection.exec_driver_sql(locks.WAIT_FOR_MIGRATION)
        _upgrade(connection, revision)
        connection.commit()


def current(connection: sqlalchemy.Connection) -> str:
    """The newest migration that this database had; "" for an empty one."""
    found = ""
    if sqlalchemy.inspect(connection).has_table("alembic_version"):
        found = str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")
    connection.rollback()
    if found and found not in REVISIONS:
        raise Unavailable(f"the database is of a later release (its tables are {found}, ours {NEWEST})", hint="update the server")
    return found


def _upgrade(connection: sqlalchemy.Connection, revision: str) -> None:
    import alembic.command  # late: it is most of the time of a start that has nothing to migrate
    import alembic.config

    configuration = alembic.config.Config()
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.attributes["connection"] = connection
    alembic.command.upgrade(configuration, revision)
