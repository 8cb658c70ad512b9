"""Where a thin disk has stored anything: its target is asked, so that nobody has to guess from samples.

READ CAPACITY (16) says whether a disk is thinly provisioned and whether what it has not stored reads as zeros (LBPME and LBPRZ),
GET LBA STATUS which blocks these are (SBC-3, 5.16 and 5.7); both go through the kernel's SG_IO (scsi/sg.h). tgt knows it from the
holes of its file (SEEK_HOLE, lseek(2)). Targets that cannot tell, such as LIO, refuse the command.
"""

from __future__ import annotations

import fcntl
import os
import struct
from array import array
from collections.abc import Callable, Iterator

Area = tuple[int, int]
# Gives a command's answer, of so many bytes at most; None where the disk, or the kernel, refuses it.
Ask = Callable[[bytes, int], "bytes | None"]

SG_IO, FROM_DEVICE = 0x2285, -3
MILLISECONDS = 10_000
# struct sg_io_hdr, in the machine's own order and alignment.
_HEADER = struct.Struct("@iiBBHIPPPIIiPBBBBHHiII0P")
_STATUS, _HOST, _DRIVER, _MISSING = 13, 17, 18, 19
_SENSE = 32

SERVICE_ACTION_IN, READ_CAPACITY, GET_LBA_STATUS = 0x9E, 0x10, 0x12
_CAPACITY, _THIN_AND_ZERO = 32, 0xC0
_DEALLOCATED = 1
_HEAD, _DESCRIPTOR = 8, struct.Struct(">QIB3x")
_MOST = _HEAD + 255 * _DESCRIPTOR.size
# Whoever has more areas than these answers tell is asked no further: the rest counts as stored.
ROUNDS = 8


def stored(descriptor: int, size: int) -> tuple[Area, ...] | None:
    """Offset and length, in bytes, of all that this open disk of ``size`` bytes has stored; None where its target does not say.
    Everything else reads as zeros."""

    def ask(command: bytes, length: int) -> bytes | None:
        return _asked(descriptor, command, length)

    sector = _sector(ask(_command(READ_CAPACITY, 0, _CAPACITY), _CAPACITY), size)
    if not sector:
        return None
    # What this machine still holds back the target does not know.
    os.fsync(descriptor)
    return stored_areas(ask, size // sector, sector)


def stored_areas(ask: Ask, blocks: int, sector: int) -> tuple[Area, ...] | None:
    """As `stored`, of so many blocks of ``sector`` bytes."""
    areas: list[Area] = []
    position = 0
    for _ in range(ROUNDS):
        begun = position
        for place, count, deallocated in _descriptors(ask(_command(GET_LBA_STATUS, position, _MOST), _MOST)):
            if place != position or not count:
                return None
            if not deallocated:
                areas.append((place * sector, min(count, blocks - place) * sector))
            position += count
        if position == begun:
            return None
        if position >= blocks:
            return tuple(areas)
    return (*areas, (position * sector, (blocks - position) * sector))


def _sector(capacity: bytes | None, size: int) -> int:
    """The bytes of a block; 0 where the disk is not thin, has undefined bytes where nothing is stored, or has another size."""
    if capacity is None or len(capacity) < 16 or capacity[14] & _THIN_AND_ZERO != _THIN_AND_ZERO:
        return 0
    last, sector = struct.unpack(">QI", capacity[:12])
    return sector if (last + 1) * sector == size else 0


def _descriptors(answer: bytes | None) -> Iterator[tuple[int, int, bool]]:
    """First block, number of blocks, and whether they are deallocated, of each run that is told; ends where an answer does."""
    if answer is None or len(answer) < _HEAD:
        return
    told = min(len(answer), 4 + int.from_bytes(answer[:4], "big"))
    whole = (told - _HEAD) // _DESCRIPTOR.size * _DESCRIPTOR.size
    for place, count, status in _DESCRIPTOR.iter_unpack(answer[_HEAD : _HEAD + max(0, whole)]):
        yield place, count, status & 0x0F == _DEALLOCATED


def _command(action: int, place: int, length: int) -> bytes:
    return struct.pack(">BBQIBB", SERVICE_ACTION_IN, action, place, length, 0, 0)


def _asked(descriptor: int, command: bytes, length: int) -> bytes | None:
    # Arrays, whose bytes have an address for as long as they are there; ctypes would be 20 ms of an emulated first use.
    answer, told, sense = (array("B", each) for each in (bytes(length), command, bytes(_SENSE)))
    addresses = (each.buffer_info()[0] for each in (answer, told, sense))
    header = bytearray(_HEADER.pack(
        ord("S"), FROM_DEVICE, len(command), _SENSE, 0, length, *addresses, MILLISECONDS, *[0] * 12,
    ))  # fmt: skip
    try:
        fcntl.ioctl(descriptor, SG_IO, header)
    except OSError:  # no SCSI disk (ENOTTY), or one that does not answer
        return None
    found = _HEADER.unpack(header)
    if found[_STATUS] or found[_HOST] or found[_DRIVER]:
        return None
    return answer.tobytes()[: length - found[_MISSING]]
