"""Who works on what: an exclusive claim on a name, held by one process of the folder until it lets go or dies.

Record locks (fcntl(2)) on one byte of one file, whose offset is a hash of the name. They belong to the process: within one, it
is the event loop that does one thing after the other. Two names of one byte would only wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from blockstore.errors import DeadlineExceeded
from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.errors import Unavailable

# The longest work under a claim that others wait for is the opening of a backing file anew (`metadata_server.targets.tgt`).
PATIENCE_SECONDS = 10.0
# Names have the bytes below this one. Who has a name shares this one; who has all has it alone.
_ALL = 1 << 62
# Those beyond are for servers: one that enters the folder has the first one alone, each that is in there shares the second one.
_DOOR, _INSIDE = _ALL + 1, _ALL + 2


class Claims:
    """Those of one folder."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "claims", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, name: str) -> bool:
        """Claim it, if nobody else has; asking for what one has already gives it again."""
        return self._lock(fcntl.LOCK_EX, _offset(name))

    def free(self, name: str) -> bool:
        """Whether no other server has it."""
        taken = self.take(name)
        if taken:
            self.give(name)
        return taken

    def give(self, name: str) -> None:
        """Let go."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _offset(name))

    def held(self, name: str) -> AbstractContextManager[None]:
        """With a claim, and nobody having all. Raises `Unavailable` where another server does not let go in time."""
        return self._held(name)

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        with self._waited(fcntl.LOCK_SH, _ALL, name), self._waited(fcntl.LOCK_EX, _offset(name), name):
            yield

    @contextmanager
    def all_held(self) -> Iterator[None]:
        """With a claim on everything that `held` is asked for. Raises `Unavailable` as that does."""
        with self._waited(fcntl.LOCK_EX, _ALL, "all exports"):
            yield

    @contextmanager
    def entering(self) -> Iterator[None]:
        """While no other server enters the folder. Raises `Unavailable` where one does not get on with it."""
        with self._waited(fcntl.LOCK_EX, _DOOR, "the folder"):
            yield

    def alone(self) -> bool:
        """Whether no other server is in the folder; this one is, from here on until its process ends."""
        alone = self._lock(fcntl.LOCK_EX, _INSIDE)
        self._lock(fcntl.LOCK_SH, _INSIDE)
        return alone

    @contextmanager
    def _waited(self, how: int, offset: int, name: str) -> Iterator[None]:
        try:
            wait_for(name, lambda: self._lock(how, offset) or None, Deadline.after(PATIENCE_SECONDS))
        except DeadlineExceeded as error:
            raise Unavailable(f"another server of this folder has worked on {name} for {PATIENCE_SECONDS:.0f} s") from error
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, offset)

    def _lock(self, how: int, offset: int) -> bool:
        try:
            fcntl.lockf(self._file, how | fcntl.LOCK_NB, 1, offset)
        except (BlockingIOError, PermissionError):  # fcntl(2) allows either
            return False
        return True


class Undisputed(Claims):
    """Those of a folder where one server is let in: within it, it is the event loop that does one thing after the other."""

    def held(self, name: str) -> AbstractContextManager[None]:
        """Nobody else is there."""
        return nullcontext()


def _offset(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % _ALL
