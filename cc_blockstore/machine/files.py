"""Reading small kernel files, and writing files so that a power cut leaves the old or the new one."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

# No small file is longer; what is, is not read to its end.
LONGEST, PIECE = 32 << 20, 1 << 14
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


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

    def __call__(self, path: Path | str, text: str, mode: int = 0o600, *, staging: str = "") -> bool:
        """Put a file in place. True where that changed anything."""


def write(path: Path | str, text: str, mode: int = 0o600, *, staging: str = "") -> bool:
    """Put a file in place: a temporary file, fsync, rename, fsync of the folder. True where that changed anything.

    ``staging`` is the folder of the temporary file where the file's own, which is there already, may not hold one (same file
    system).
    """
    if not _place(os.fspath(path), text, mode, staging, os.fsync):
        return False
    sync_folder(os.path.dirname(path))
    return True


def put(path: Path | str, text: str, mode: int = 0o600, *, staging: str = "") -> bool:
    """The same without a flush: for many at once, whose caller has everything flushed together before anything stands on them."""
    return _place(os.fspath(path), text, mode, staging, lambda descriptor: None)


def _place(path: str, text: str, mode: int, staging: str, flush: Callable[[int], None]) -> bool:
    if read_exact(path) == text and os.stat(path).st_mode & 0o7777 == mode:
        return False
    folder, name = os.path.split(path)
    temporary = f"{staging or folder}/.{name[:100]}.{threading.get_native_id()}"
    try:
        with os.fdopen(_created(temporary, folder), "wb") as file:
            file.write(text.encode(errors="surrogateescape"))
            file.flush()
            os.fchmod(file.fileno(), mode)
            flush(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):  # of a full disk it names no file, of a folder that is read-only the temporary one
            raise OSError(error.errno, error.strerror, path) from None
        raise
    return True


def _created(temporary: str, folder: str) -> int:
    """A new file, open for writing; its folder is made where it is missing."""
    try:
        return os.open(temporary, NEW, 0o600)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
    except FileExistsError:  # left by a run that was ended: no two threads of a machine have the same number
        os.unlink(temporary)
    return os.open(temporary, NEW, 0o600)


def read_exact(path: Path | str) -> str | None:
    """The text of a file as it is, line ends and bytes that are no UTF-8 included; None where it cannot be read."""
    try:
        return exact(path)
    except OSError:
        return None


def exact(path: Path | str) -> str:
    """The same. Raises OSError where it cannot be read."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, PIECE), b"")).decode(errors="surrogateescape")
    finally:
        os.close(descriptor)


def remove(path: Path | str) -> bool:
    """Remove a file durably; False where there was none."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    sync_folder(os.path.dirname(path))
    return True


def sync_folder(folder: Path | str) -> None:
    """Make a rename or removal in this folder durable (fsync(2): the file's own fsync does not)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
