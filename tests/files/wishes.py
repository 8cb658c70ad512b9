"""A wish as a user writes it, read by the real parser."""

from __future__ import annotations

from blockstore.reader import Faults, Reader
from cc_blockstore.document import wishes
from cc_blockstore.wish import VolumeWish


def wished(**words: object) -> VolumeWish:
    """What stands below ``volumes.data``. Raises `DocumentInvalid` with all faults."""
    faults = Faults()
    read = wishes.read(Reader(words, faults, "volumes.data"))
    wish = wishes.complete(read, faults, "volumes.data")
    faults.raise_any()
    return wish
