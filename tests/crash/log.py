"""What reached the disk, in order: writes, zeroed ranges, flushes, and marks that the recording put between them.

On disk it is two files: ``log`` with one line of JSON an entry, ``data`` with the bytes of the writes, one after another.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
FALLOC_KEEP_SIZE, FALLOC_PUNCH_HOLE, FALLOC_ZERO_RANGE = 1, 2, 16  # linux/falloc.h


@dataclass(frozen=True)
class Write:
    """Bytes at an offset. Bytes that are all zero are stored as a length only: ``data`` is empty then."""

    at: int
    size: int
    data: bytes = b""

    def part(self, begin: int, end: int) -> Write:
        """From one of its bytes up to another."""
        return Write(self.at + begin, end - begin, self.data[begin:end])

    @property
    def zero(self) -> bool:
        return not self.data


@dataclass(frozen=True)
class Flush:
    """All that came before is on the medium now."""


@dataclass(frozen=True)
class Mark:
    """Something that happened beside the disk: ``tree`` (the instance's files changed, see `tests.crash.tree`), ``start``
    (the run starts this process), ``done`` (it reported its end), ``data`` (user data is durable from here on), ``end``."""

    kind: str
    text: str = ""


Entry = Write | Flush | Mark


def write_of(at: int, data: bytes) -> Write:
    """A write, told from one of zeros."""
    return Write(at, len(data)) if data.count(0) == len(data) else Write(at, len(data), data)


class Writer:
    """Appends entries; what was appended can be read at once by another process."""

    def __init__(self, folder: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._log, self._data = os.open(folder / "log", flags, 0o600), os.open(folder / "data", flags, 0o600)

    def append(self, entry: Entry) -> None:
        """Add one."""
        if isinstance(entry, Write):
            words = {"op": "zero" if entry.zero else "write", "at": entry.at, "size": entry.size}
            os.write(self._data, entry.data)
        elif isinstance(entry, Flush):
            words = {"op": "flush"}
        else:
            words = {"op": "mark", "kind": entry.kind, "text": entry.text}
        os.write(self._log, json.dumps(words).encode() + b"\n")


def read(folder: Path) -> list[Entry]:
    """All entries of a log."""
    entries: list[Entry] = []
    with open(folder / "data", "rb") as data:
        for line in (folder / "log").read_text().splitlines():
            words = json.loads(line)
            if words["op"] == "write":
                entries.append(Write(words["at"], words["size"], data.read(words["size"])))
            elif words["op"] == "zero":
                entries.append(Write(words["at"], words["size"]))
            elif words["op"] == "flush":
                entries.append(Flush())
            else:
                entries.append(Mark(words["kind"], words["text"]))
    return entries


def without_repeated_flushes(entries: Iterable[Entry]) -> list[Entry]:
    """A flush with no write since the one before changes nothing."""
    kept: list[Entry] = []
    dirty = False
    for entry in entries:
        if isinstance(entry, Flush) and not dirty:
            continue
        dirty = isinstance(entry, Write) or (dirty and not isinstance(entry, Flush))
        kept.append(entry)
    return kept


def punch(descriptor: int, at: int, size: int) -> None:
    """Make a range of a sparse file a hole: fallocate(2), which Python's os knows without this mode only."""
    libc = ctypes.CDLL(None, use_errno=True)
    mode = FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE
    arguments = (ctypes.c_int(descriptor), ctypes.c_int(mode), ctypes.c_int64(at), ctypes.c_int64(size))
    if libc.fallocate64(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
