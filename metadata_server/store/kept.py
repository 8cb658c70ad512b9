"""SQLite's connection that is not given back: to take one from the pool for each transaction costs more than its statements.

There is one, because each of two would forget all pages that it knows with every write of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy

from metadata_server.store.prepared import direct
from metadata_server.store.transaction import Transaction

Connect = Callable[[], sqlalchemy.Connection]


class Kept:
    """One connection, made when it is first needed, and ``prepare``d by a statement. Belongs to one thread."""

    def __init__(self, connect: Connect, prepare: str = "") -> None:
        self._connect, self._prepare = connect, prepare
        self._transaction: Transaction | None = None

    def transaction(self) -> Transaction:
        """In autocommit. Raises what connecting raises."""
        if self._transaction is None:
            connection = self._connect()
            connection.detach()  # what it was prepared with is nobody else's
            if self._prepare:
                connection.exec_driver_sql(self._prepare)
                connection.commit()
            self._transaction = Transaction(connection)
        return self._transaction

    @contextmanager
    def begun(self, begin: str) -> Iterator[Transaction]:
        """Committed at the end, rolled back by any exception. A connection that cannot be rolled back is never used again."""
        transaction = self.transaction()
        with ExitStack() as never_again:
            never_again.callback(self.close)
            try:
                direct(transaction.connection, begin)
                yield transaction
                direct(transaction.connection, "COMMIT")
            finally:
                if self._open(transaction):
                    direct(transaction.connection, "ROLLBACK")
                never_again.pop_all()

    def close(self) -> None:
        """The next one who asks gets another."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.connection.close()

    def _open(self, transaction: Transaction) -> bool:
        """The driver knows; SQLAlchemy was not asked to begin."""
        return bool(transaction.connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]
