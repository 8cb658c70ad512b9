"""Transactions: what is said in one is there wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import sqlalchemy
from sqlalchemy import exc

from blockstore.waiting import CLOCK, Clock
from metadata_server.database import DatabaseSettings
from metadata_server.domain.errors import Unavailable
from metadata_server.store import cipher, encrypted, engine, keyring, migrating, notices
from metadata_server.store.engine import Database
from metadata_server.store.kept import Kept
from metadata_server.store.lasting import Lasting
from metadata_server.store.notices import Listening
from metadata_server.store.transaction import Transaction
from metadata_server.store.translated import Translated, said

# After a failed attempt to connect nobody tries for this long, and for so many times as long as the attempt took: requests
# are refused at once meanwhile, so that a database which is gone costs the event loop a fifth of its time at most.
SHORTEST_PAUSE, PAUSE_FACTOR = 1.0, 4.0


class Store:
    """The database behind one engine."""

    def __init__(self, database: Database, *, clock: Clock = CLOCK) -> None:
        self.database, self.engine = database, database.engine
        self._lasting = Lasting(database.log)
        self._kept = Kept(self._connected, database.relaxed, wrote=self._lasting.wrote, closed=self._lasting.forget)
        self._clock = clock
        self._closed_until, self._reason = 0.0, ""

    @classmethod
    def open(cls, path: Path, settings: DatabaseSettings | None = None) -> Store:
        """Open the configured database (SQLite at ``path`` where none is), and bring its tables up to date. Raises `Unavailable`
        where it cannot be reached, or has secrets that no configured key opens."""
        settings = settings or DatabaseSettings()
        keys = cipher.read(settings.key_file)
        store = cls(engine.postgresql(settings) if settings.shared else engine.sqlite(path))
        encrypted.hand_keys(store.engine, keys)
        with ExitStack() as undo:
            undo.callback(store.close)
            with store.connection() as connection:
                migrating.migrate(connection)
            keyring.check(store)
            undo.pop_all()
        return store

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """A transaction that may change something: committed at the end, rolled back by any exception.

        Raises `Unavailable` where the database cannot be read or written (a full disk, no connection), `Conflict` where what is
        there forbids it, `Invalid` for a text that it cannot hold; their words hold no value of ours.
        """
        with self.connection() as connection:
            connection.exec_driver_sql(self.database.begin)
            yield Transaction(connection)
            connection.commit()

    def begin_grouped(self) -> AbstractContextManager[Transaction]:
        """As `begin`, but what is committed lasts only when `settled` comes back: many may wait for the disk together.

        For what has no effect beside the answer, which waits for that, and beside exports, which a power cut ends anyway.
        """
        if not self.database.relaxed:
            return self.begin()
        return self._kept.begun(self.database.begin)

    def single(self) -> AbstractContextManager[Transaction]:
        """As `begin_grouped`, for one statement, which is a transaction of its own."""
        return self._kept.single if self.database.relaxed else self._read_anew()

    async def settled(self) -> None:
        """Come back when a power cut undoes nothing of what was committed by now. Raises `Unavailable`."""
        await self._lasting.settled()

    def read(self) -> AbstractContextManager[Transaction]:
        """Reading: every statement sees what is committed by then, and nothing is locked. Raises `Unavailable`."""
        return self._read_anew() if self.database.shared else self._kept

    @contextmanager
    def _read_anew(self) -> Iterator[Transaction]:
        with self.connection() as connection:
            yield Transaction(connection)

    def connection(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection in autocommit; what is open at its end is rolled back."""
        return Translated(self._opened())

    @contextmanager
    def _opened(self) -> Iterator[sqlalchemy.Connection]:
        with self._connected() as connection:
            yield connection

    def _connected(self) -> sqlalchemy.Connection:
        began = self._clock.monotonic()
        if began < self._closed_until:
            raise Unavailable(self._reason)
        try:
            return self.engine.connect()
        except (exc.DBAPIError, exc.TimeoutError) as error:
            now = self._clock.monotonic()
            self._closed_until = now + max(SHORTEST_PAUSE, PAUSE_FACTOR * (now - began))
            self._reason = f"the server's database: {said(error)}"
            raise

    def notify(self, words: Sequence[str]) -> None:
        """Say this to all servers that `listen`; with SQLite there is nobody else. Raises `Unavailable`."""
        if self.database.shared:
            with self.connection() as connection:
                notices.notify(connection, words)

    def listen(self) -> Listening | None:
        """Hear what is said from now on; None with SQLite. Raises `Unavailable`."""
        if not self.database.shared:
            return None
        with Translated(nullcontext()):
            connection = self._connected()
            connection.detach()
            return Listening(connection)

    def close(self) -> None:
        """Close all connections."""
        self._lasting.close()
        self._kept.close()
        self.engine.dispose()
