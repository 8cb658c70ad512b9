"""What the database refuses becomes one of our errors here; their words hold no value of ours.

Not `contextlib.contextmanager`: a cycle of an attachment goes through two dozen of these, and a generator each costs more than
the statements of some.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

from sqlalchemy import exc

from blockstore.errors import BlockstoreError
from metadata_server.domain.errors import Conflict, Invalid, Unavailable

T = TypeVar("T")


class Translated(AbstractContextManager[T], Generic[T]):
    """As ``inner``; raises `Unavailable` where the database cannot be read or written (a full disk, no connection), `Conflict`
    where what is there forbids it, `Invalid` for a text that it cannot hold."""

    def __init__(self, inner: AbstractContextManager[T]) -> None:
        self._inner = inner

    def __enter__(self) -> T:
        try:
            return self._inner.__enter__()
        except Exception as error:
            translate(error)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._inner.__exit__(kind, error, trace)
        except Exception as failed:
            translate(failed)
            raise
        if error is not None:
            translate(error)


def said(error: exc.SQLAlchemyError) -> str:
    """The driver's words, the first line: none of the values."""
    original = getattr(error, "orig", None)
    return str(original if original is not None else error).strip().partition("\n")[0]


def translate(error: BaseException) -> None:
    """Raise what of ours it is; nothing where it is something else."""
    if (ours := _ours(error)) is not None:
        raise ours from (None if isinstance(ours, Invalid) else error)


def _ours(error: BaseException) -> BlockstoreError | None:
    if isinstance(error, (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)):
        return Unavailable(f"the server's database: {said(error)}")
    if isinstance(error, exc.IntegrityError):
        return Conflict(f"what is there already forbids it: {_constraint(error)}")
    if isinstance(error, (exc.DataError, UnicodeEncodeError)):
        return Invalid("a text is too long, or holds characters that the database does not keep")
    return None


def _constraint(error: exc.IntegrityError) -> str:
    diagnosis = getattr(error.orig, "diag", None)  # psycopg's; its message would quote the row
    return str(diagnosis.constraint_name if diagnosis is not None else error.orig)
