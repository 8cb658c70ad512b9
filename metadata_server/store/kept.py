"""SQLite's connection that is not given back: to take one from the pool for each transaction costs more than its statements.

There is one, because each of two would forget all pages that it knows with every write of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import sqlalchemy

from metadata_server.store.prepared import direct
from metadata_server.store.transaction import Transaction
from metadata_server.store.translated import Translated, translate

Connect = Callable[[], sqlalchemy.Connection]


class Kept(AbstractContextManager[Transaction]):
    """One connection, made when it is first needed, and ``prepare``d by a statement. Belongs to one thread. In a `with` block, in
    autocommit; raises what `Translated` raises, as its other two do. ``single`` is for one statement that writes."""

    def __init__(self, connect: Connect, prepare: str = "", *, wrote: Callable[[], None], closed: Callable[[], None]) -> None:
        """``wrote`` is called after what may have written, ``closed`` after it was closed."""
        self._connect, self._prepare, self._closed = connect, prepare, closed
        self._transaction: Transaction | None = None
        self.wrote = wrote
        self.single = Single(self)

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

    def begun(self, begin: str) -> AbstractContextManager[Transaction]:
        """A transaction."""
        return Translated(Begun(self, begin))

    def close(self) -> None:
        """The next one who asks gets another."""
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.connection.close()
            self._closed()

    def __enter__(self) -> Transaction:
        try:
            return self.transaction()
        except Exception as error:
            translate(error)
            raise

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Each statement was a transaction of its own: what failed left nothing."""
        if error is not None:
            translate(error)


class Single(AbstractContextManager[Transaction]):
    """As `Kept`."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def __enter__(self) -> Transaction:
        return self._kept.__enter__()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._kept.wrote()  # in any case: what was refused because of what it told was written all the same
        if error is not None:
            translate(error)


class Begun(AbstractContextManager[Transaction]):
    """Committed at the end, rolled back by any exception. A connection that cannot be rolled back is never used again."""

    def __init__(self, kept: Kept, begin: str) -> None:
        self._kept, self._begin = kept, begin

    def __enter__(self) -> Transaction:
        self._transaction = transaction = self._kept.transaction()
        try:
            direct(transaction.connection, self._begin)
        except BaseException:
            self._end()
            raise
        return transaction

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        try:
            if kind is None:
                direct(self._transaction.connection, "COMMIT")
        finally:
            self._end()
        if kind is None:
            self._kept.wrote()

    def _end(self) -> None:
        """The driver knows whether anything is open; SQLAlchemy was not asked to begin."""
        try:
            if self._transaction.connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                direct(self._transaction.connection, "ROLLBACK")
        except BaseException:
            self._kept.close()
            raise
