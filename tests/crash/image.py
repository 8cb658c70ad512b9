"""The content of a disk in memory: what is not zero, block by block, with a digest that every write keeps up to date."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.crash.log import Write
from tests.loop.disk import extents

BLOCK = 4096
ZEROS = bytes(BLOCK)


class Image:
    """Blocks by number; those that are all zero are absent."""

    def __init__(self, blocks: dict[int, bytes] | None = None, digest: int = 0) -> None:
        self._blocks, self._digest = blocks or {}, digest

    @classmethod
    def of(cls, file: Path) -> Image:
        """What a sparse file holds."""
        image, size = cls(), file.stat().st_size
        with open(file, "rb") as handle:
            for begin, end in extents(handle.fileno(), size):
                for at in range(begin // BLOCK * BLOCK, end, BLOCK):
                    image._put(at // BLOCK, os.pread(handle.fileno(), BLOCK, at).ljust(BLOCK, b"\0"))
        return image

    def with_(self, writes: Iterable[Write]) -> Image:
        """Another one, after these writes."""
        image = Image(dict(self._blocks), self._digest)
        for write in writes:
            image.apply(write)
        return image

    def apply(self, write: Write) -> None:
        """Take up one write."""
        for number, begin, end, offset in _pieces(write, self._blocks):
            if end - begin == BLOCK:
                block = write.data[offset : offset + BLOCK] or ZEROS
            else:
                old = self._blocks.get(number, ZEROS)
                block = old[:begin] + (write.data[offset : offset + end - begin] or bytes(end - begin)) + old[end:]
            self._put(number, block)

    def _put(self, number: int, block: bytes) -> None:
        old = self._blocks.get(number)
        if old is not None:
            self._digest ^= _hash(number, old)
            del self._blocks[number]
        if block != ZEROS:
            self._digest ^= _hash(number, block)
            self._blocks[number] = block

    @property
    def digest(self) -> str:
        """Equal where every byte is equal."""
        return f"{self._digest:032x}"

    def read(self, at: int, size: int) -> bytes:
        """Some bytes of it."""
        first, last = at // BLOCK, (at + size - 1) // BLOCK
        whole = b"".join(self._blocks.get(number, ZEROS) for number in range(first, last + 1))
        return whole[at - first * BLOCK :][:size]

    def save(self, file: Path, size: int) -> None:
        """As a sparse file."""
        file.unlink(missing_ok=True)
        with open(file, "wb") as handle:
            handle.truncate(size)
            for number, block in self._blocks.items():
                os.pwrite(handle.fileno(), block[: max(0, size - number * BLOCK)], number * BLOCK)


def _pieces(write: Write, blocks: dict[int, bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Per block: its number, where in it the write begins and ends, and where in the write's data that is.

    Of a long range of zeros only the blocks that hold something matter.
    """
    first, last = write.at // BLOCK, (write.at + write.size - 1) // BLOCK
    numbers: Iterable[int] = range(first, last + 1)
    if write.zero:
        numbers = [each for each in blocks if first <= each <= last] if last - first > len(blocks) else numbers
        numbers = [each for each in numbers if each in blocks]
    for number in numbers:
        begin = max(write.at - number * BLOCK, 0)
        end = min(write.at + write.size - number * BLOCK, BLOCK)
        yield number, begin, end, number * BLOCK + begin - write.at


def _hash(number: int, block: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(block, digest_size=16, salt=number.to_bytes(16, "little")).digest(), "little")
