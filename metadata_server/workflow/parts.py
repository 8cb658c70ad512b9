"""What every workflow works with, handed in once: database, backend, target, who waits, and the sources of chance and time."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from blockstore.portal import Portal
from blockstore.secret import Secret
from metadata_server.backends import Backend
from metadata_server.store import Store
from metadata_server.targets import Target
from metadata_server.workflow.changes import Changes

# RFC 7143 section 9.2.1 asks for 96 bits of chance in a CHAP secret; these are 190.
SECRET_LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits

Observer = Callable[[str], None]


def nobody_listens(step: str) -> None:
    """The observer of a server that nobody observes."""


@dataclass(frozen=True)
class Parts:
    """``advertised`` is the portal as instances see it; ``observe`` hears the name of every step before it is done."""

    store: Store
    backend: Backend
    target: Target
    changes: Changes
    advertised: Callable[[], Portal]
    observe: Observer = nobody_listens


def now() -> str:
    """RFC 3339, UTC, with microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id() -> str:
    """A new identifier: 36 characters, just as many as the serial of a tgt LUN holds."""
    return str(uuid.uuid4())


def random_text(length: int = SECRET_LENGTH) -> str:
    """Letters and digits from the system's source of chance."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_secret() -> Secret:
    """A new CHAP secret."""
    return Secret(random_text())


@contextmanager
def undoing() -> Iterator[ExitStack]:
    """What is pushed here is undone, last first, if the block fails; if it ends well, nothing is."""
    with ExitStack() as undo:
        yield undo
        undo.pop_all()
