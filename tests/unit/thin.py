"""A sparse file that is a thin disk: asked as the kernel is asked (SG_IO), it answers as tgt does."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cc_blockstore.machine import provisioning

BLOCK = 512


class ThinDisk:
    """Answers READ CAPACITY (16) and GET LBA STATUS for a file, as tgt does."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.thin, self.refuses, self.failed, self.asked = 0xC0, False, False, 0
        path.touch()
        os.truncate(path, size)

    def put(self, at: int, data: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(at)
            file.write(data)

    def ioctl(self, _descriptor: int, request: int, header: bytearray) -> int:
        assert (request, len(header)) == (provisioning.SG_IO, 88)
        if self.refuses:
            raise OSError(errno.ENOTTY, "not a SCSI disk")
        words = list(provisioning._HEADER.unpack(header))
        assert words[0] == ord("S")
        command = ctypes.string_at(words[7], words[2])
        answer = self._answer(command)[: words[5]]
        ctypes.memmove(words[6], answer, len(answer))
        words[provisioning._MISSING] = words[5] - len(answer)
        words[provisioning._STATUS] = 2 if self.failed and command[1] == provisioning.GET_LBA_STATUS else 0
        header[:] = provisioning._HEADER.pack(*words)
        return 0

    def _answer(self, command: bytes) -> bytes:
        code, action, place, length = struct.unpack(">BBQI", command[:14])
        assert (code, len(command)) == (0x9E, 16)
        if action == provisioning.READ_CAPACITY:
            return struct.pack(">QI", self.size // BLOCK - 1, BLOCK) + bytes((0, 0, self.thin)) + bytes(17)
        self.asked += 1
        runs = [struct.pack(">QIB3x", *run) for run in self._runs(place)][: (length - 8) // 16]
        return struct.pack(">II", 4 + 16 * len(runs), 0) + b"".join(runs)

    def _runs(self, place: int) -> Iterator[tuple[int, int, int]]:
        with self.path.open("rb") as file:
            while place < self.size // BLOCK:
                data = self._seek(file, place, os.SEEK_DATA)
                end = self._seek(file, place, os.SEEK_HOLE) if data == place else data
                yield place, end - place, int(data != place)
                place = end

    def _seek(self, file: Any, place: int, whence: int) -> int:
        try:
            return os.lseek(file.fileno(), place * BLOCK, whence) // BLOCK
        except OSError:
            return self.size // BLOCK
