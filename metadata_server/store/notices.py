"""PostgreSQL's LISTEN and NOTIFY: a word from one server of the database to all others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy
from sqlalchemy import ARRAY, String, bindparam, func, select

from metadata_server.domain.errors import Unavailable

CHANNEL = "blockstore"
_NOTIFY = select(func.pg_notify(CHANNEL, func.unnest(bindparam("words", type_=ARRAY(String)))))


def notify(connection: sqlalchemy.Connection, words: Sequence[str]) -> None:
    """One round trip for all of them."""
    connection.execute(_NOTIFY, {"words": list(words)})


class Listening:
    """A connection of its own, that does nothing else. ``descriptor`` becomes readable when there is something."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection
        connection.exec_driver_sql(f"LISTEN {CHANNEL}")
        driver: Any = connection.connection.dbapi_connection
        self._link = driver.pgconn
        self.descriptor: int = driver.fileno()

    def heard(self) -> tuple[str, ...]:
        """What was said since the last time, without waiting. Raises `Unavailable` when the connection is gone."""
        import psycopg

        try:
            self._link.consume_input()
        except psycopg.Error as error:
            raise Unavailable(f"the server's database: {str(error).partition(chr(10))[0]}") from error
        return tuple(notice.extra.decode(errors="replace") for notice in iter(self._link.notifies, None))

    def close(self) -> None:
        """No more."""
        with suppress(Exception):
            self._connection.close()
