"""The logging disk's server: a FUSE folder with the file ``disk``, whose every change is logged before it is answered, and
the file ``marks``, into which the recording writes what it wants to stand between two of them.

Its own process (`python -m tests.crash.server MOUNT STORE TREE`), which reads nothing through its own mount, so that nothing
waits for itself. ``STORE`` holds the real file and the log, ``TREE`` is the instance whose files are looked at before each entry.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Any

import mfusepy

from tests.crash.log import FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE, Flush, Mark, Write, Writer, punch, write_of
from tests.crash.tree import Watcher

DISK, MARKS = "/disk", "/marks"


class LoggingDisk(mfusepy.Operations):
    """The two files. One thread serves (``nothreads``), so the log's order is the order of the answers."""

    use_ns = True

    def __init__(self, store: Path, tree: Path) -> None:
        self._file = os.open(store / "disk", os.O_RDWR)
        self._log = Writer(store)
        self._watcher = Watcher(tree, store)

    def _note_tree(self) -> None:
        for mark in self._watcher.look():
            self._log.append(mark)

    def getattr(self, path: str, fh: Any = None) -> dict[str, Any]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path not in (DISK, MARKS):
            raise mfusepy.FuseOSError(errno.ENOENT)
        size = os.fstat(self._file).st_size if path == DISK else 0
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size, "st_blksize": 4096}

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", DISK[1:], MARKS[1:]]

    def statfs(self, path: str) -> dict[str, int]:
        return {"f_bsize": 4096, "f_frsize": 4096}

    def open(self, path: str, fi: Any) -> int:
        fi.direct_io = 1
        return 0

    def read(self, path: str, size: int, offset: int, fh: Any) -> bytes:
        return os.pread(self._file, size, offset) if path == DISK else b""

    def write(self, path: str, data: bytes, offset: int, fh: Any) -> int:
        self._note_tree()
        if path == MARKS:
            kind, _, text = data.decode().partition(" ")
            self._mark(kind, text)
            return len(data)
        entry = write_of(offset, data)
        self._log.append(entry)
        if entry.zero:
            punch(self._file, offset, len(data))
        else:
            os.pwrite(self._file, data, offset)
        return len(data)

    def _mark(self, kind: str, text: str) -> None:
        if kind == "synced":
            self._watcher.synced(text)
        elif kind != "look":
            self._log.append(Mark(kind, text))

    def truncate(self, path: str, length: int, fh: Any = None) -> int:
        if path == DISK:
            os.ftruncate(self._file, length)
        return 0

    def fallocate(self, path: str, mode: int, offset: int, size: int, fh: Any) -> int:
        if path != DISK or not mode & (FALLOC_PUNCH_HOLE | FALLOC_ZERO_RANGE):
            return -errno.EOPNOTSUPP
        self._note_tree()
        self._log.append(Write(offset, size))
        punch(self._file, offset, size)
        return 0

    def fsync(self, path: str, datasync: int, fh: Any) -> int:
        if path == DISK:
            self._note_tree()
            self._log.append(Flush())
        return 0

    def flush(self, path: str, fh: Any) -> int:
        """close(2), which makes nothing durable."""
        return 0


def main() -> None:
    mount, store, tree = (Path(word) for word in sys.argv[1:4])
    mfusepy.FUSE(LoggingDisk(store, tree), str(mount), raw_fi=True, foreground=True, nothreads=True, fsname="crashlog")


if __name__ == "__main__":
    main()
