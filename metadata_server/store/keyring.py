"""Which keys the database's secrets are encrypted with: checked at every start, changed by `reencrypt`."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine, Text, delete, insert, select, type_coerce, update

from metadata_server.domain.errors import Unavailable
from metadata_server.store.cipher import Cipher
from metadata_server.store.encrypted import EncryptedText, keys_of
from metadata_server.store.engine import Database
from metadata_server.store.tables import METADATA, secret_keys

BATCH = 500
SECRETS = tuple(
    column for table in METADATA.sorted_tables for column in table.columns if isinstance(column.type, EncryptedText)
)  # fmt: skip


class Keeping(Protocol):
    """The part of a `Store` that is needed here; the store itself checks its keys when it is opened."""

    database: Database
    engine: Engine

    def connection(self) -> AbstractContextManager[Connection]:
        """A connection in autocommit."""


def check(store: Keeping) -> None:
    """At a start: every key in use must be there; with the first key ever what was stored plain is encrypted. Raises
    `Unavailable` that names the missing key."""
    keys = keys_of(store.engine.dialect)
    names = keys.names
    with store.connection() as connection:
        used = set(connection.execute(select(secret_keys.c.id)).scalars())
    if missing := used - set(names):
        raise Unavailable(
            f"the database's secrets are encrypted with key {', '.join(sorted(missing))}, "
            + (f"which {keys.source} does not have" if names else "and no database.key_file is configured"),
            hint="add the key to that file" if names else "",
        )
    if names and names[0] not in used:
        _note(store, names[:1])
        if not used:
            reencrypt(store)


def reencrypt(store: Keeping) -> int:
    """Encrypt every secret with the first key, and forget what it was encrypted with before. Gives how many were changed.
    Servers that have this key may run meanwhile."""
    keys = keys_of(store.engine.dialect)
    changed = sum(_column(store, column, keys) for column in SECRETS)
    with store.connection() as connection:
        _vacuum(connection)
        connection.execute(delete(secret_keys).where(secret_keys.c.id.not_in(keys.names[:1])))
    return changed


def _note(store: Keeping, names: Iterable[str]) -> None:
    with store.connection() as connection:
        connection.exec_driver_sql(store.database.begin)
        there = set(connection.execute(select(secret_keys.c.id)).scalars())
        for name in set(names) - there:
            connection.execute(insert(secret_keys).values(id=name))
        connection.commit()


def _column(store: Keeping, column: Column[Any], keys: Cipher) -> int:
    """In batches by id, so that nobody waits long."""
    [identifier] = column.table.primary_key.columns
    last, changed = "", 0
    # As it is stored: the column's type would decrypt it.
    stored = select(identifier, type_coerce(column, Text).label("stored")).order_by(identifier).limit(BATCH).with_for_update()
    while True:
        with store.connection() as connection:
            connection.exec_driver_sql(store.database.begin)
            rows = connection.execute(stored.where(identifier > last)).all()
            changed += sum(_row(connection, column, keys, *row) for row in rows)
            connection.commit()
        if len(rows) < BATCH:
            return changed
        last = rows[-1][0]


def _row(connection: Connection, column: Column[Any], keys: Cipher, identifier: str, stored: str | None) -> bool:
    if stored is None or keys.current(stored):
        return False
    [key] = column.table.primary_key.columns
    plain = keys.decrypt(stored, f"{column.table.name}.{column.name}")
    connection.execute(update(column.table).where(key == identifier).values({column: plain}))
    return True


def _vacuum(connection: Connection) -> None:
    """What was overwritten is still in free pages and in the write-ahead log."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    else:
        for table in {column.table.name for column in SECRETS}:
            connection.exec_driver_sql(f"VACUUM {table}")
