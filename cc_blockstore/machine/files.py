"""Reading small kernel files, and writing files so that a power cut leaves the old or the new one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

# No small file is longer; what is, is not read to its end.
LONGEST, PIECE = 32 << 20, 1 << 14


def read(path: Path | str) -> str:
    """The text of a file without its line end; "" where it cannot be read (sysfs files come and go).

    With the kernel's calls alone: Python's own files take several times as long, and a look at a volume is a dozen of these.
    """
    return read_bytes(path).decode(errors="replace").rstrip("\n")


def read_bytes(path: Path | str) -> bytes:
    """The same as it stands there."""
    try:
        # Without waiting for a writer, should somebody have put a pipe there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return _whole(descriptor)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _whole(descriptor: int) -> bytes:
    """In pieces: the kernel tells a long file of /proc a few lines at a time. Joined once: a long file would else be copied again
    for every piece."""
    pieces, length = [os.read(descriptor, PIECE)], 0
    while pieces[-1] and length < LONGEST:
        length += len(pieces[-1])
        pieces.append(os.read(descriptor, PIECE))
    return b"".join(pieces)


def names(folder: Path | str) -> list[str]:
    """What is in a folder, sorted; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def tell(path: str | Path, text: str) -> None:
    """Write a line to a file of the kernel. Raises OSError, of the kernel's own too."""
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
    try:
        os.write(descriptor, f"{text}\n".encode())
    finally:
        os.close(descriptor)


class Writer(Protocol):
    """`write`, or `put`."""

    def __call__(self, path: Path, text: str, mode: int = 0o600, *, staging: Path | None = None) -> bool:
        """Put a file in place. True where that changed anything."""


def write(path: Path, text: str, mode: int = 0o600, *, staging: Path | None = None) -> bool:
    """Put a file in place: a temporary file, fsync, rename, fsync of the folder. True where that changed anything.

    ``staging`` is the folder of the temporary file where the file's own folder may not hold one (same file system).
    """
    if not _place(path, text, mode, staging, os.fsync):
        return False
    sync_folder(path.parent)
    return True


def put(path: Path, text: str, mode: int = 0o600, *, staging: Path | None = None) -> bool:
    """The same without a flush: for many at once, whose caller has everything flushed together before anything stands on them."""
    return _place(path, text, mode, staging, lambda descriptor: None)


def _place(path: Path, text: str, mode: int, staging: Path | None, flush: Callable[[int], None]) -> bool:
    if read_exact(path) == text and path.stat().st_mode & 0o7777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=staging or path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode(errors="surrogateescape"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            flush(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def read_exact(path: Path) -> str | None:
    """The text of a file as it is, line ends and bytes that are no UTF-8 included; None where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return b"".join(iter(lambda: os.read(descriptor, PIECE), b"")).decode(errors="surrogateescape")
    except OSError:
        return None
    finally:
        os.close(descriptor)


def remove(path: Path) -> bool:
    """Remove a file durably; False where there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Make a rename or removal in this folder durable (fsync(2): the file's own fsync does not)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
