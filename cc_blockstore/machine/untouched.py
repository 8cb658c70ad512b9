"""A thin disk that nobody ever wrote to: its target says so of every block, and its ends read as zeros.

Then blkid and wipefs need not be started: what they look for has bytes that are not zero, in places that were all read here.
Those of libblkid 2.42 (libblkid/src/superblocks, libblkid/src/partitions; in tests/files the real one says where it reads):
nearly all lie in the first or the last half MiB, where ZFS has its labels. Behind the first are the second header of LUKS2 (512
KiB to 4 MiB), VMFS (1 and 2 MiB) and bcachefs (2 MiB), before the last bcachefs (1 MiB from the end) and Promise's RAID (3087
sectors). The target's word covers all others, those of tools to come too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from blockstore.size import MIB
from cc_blockstore.machine import provisioning
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.provisioning import Area
from cc_blockstore.plan.looking import Looks, decide

END = MIB // 2
SPOT, SPOTS = 4096, (END, MIB, 2 * MIB, 4 * MIB)
BCACHEFS, PROMISE = MIB, 3087 * 512
PIECE = 128 << 10
ZEROS = bytes(PIECE)


def untouched(machine: Machine, node: str, size: int, *, whole: bool) -> bool:
    """Whether it is one, asked of the target anew; False for whatever is unusual: it is looked at by the programs."""
    try:
        descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        stored = provisioning.stored(descriptor, size) if whole else None
        zeros = stored == () and _zeros(descriptor, places(size))
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return decide(whole=whole, stored=stored, zeros=zeros) is Looks.OURS


def still_untouched(machine: Machine, node: str, size: int) -> bool:
    """Whether one that was found `untouched` is so still: the target is asked anew, and its word covers the ends too."""
    try:
        descriptor = os.open(machine.paths.node(node), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return provisioning.stored(descriptor, size) == ()
    except OSError:
        return False
    finally:
        os.close(descriptor)


def places(size: int) -> Iterator[Area]:
    """Where a signature may begin, with the room of a block behind it."""
    if size <= SPOTS[-1] + 2 * MIB:
        yield 0, size
        return
    yield 0, END
    yield from ((place, SPOT) for place in SPOTS)
    yield (size - PROMISE) // SPOT * SPOT, 2 * SPOT
    yield size - BCACHEFS, SPOT
    yield size - END, END


def _zeros(descriptor: int, areas: Iterable[Area]) -> bool:
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)  # nothing beside them is read
    return all(os.pread(descriptor, length, at) == (ZEROS if length == PIECE else bytes(length)) for at, length in _pieces(areas))


def _pieces(areas: Iterable[Area]) -> Iterator[Area]:
    """One at a time, each small: a MiB at once fills a connection's window, and under QEMU's user network it then stood still
    with one volume of twelve, until the initiator's next ping after five seconds."""
    for offset, length in areas:
        for at in range(offset, offset + length, PIECE):
            yield at, min(PIECE, offset + length - at)
