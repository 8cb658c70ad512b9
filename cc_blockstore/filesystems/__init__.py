"""The file systems that a volume may carry: a registry of data, one file each.

A new one is one new file that holds a `Filesystem`, and one line in `_WHERE`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from cc_blockstore.filesystems.filesystem import Filesystem

# Name and module, and what it is called there.
_WHERE = {"ext4": "EXT4", "xfs": "XFS", "btrfs": "BTRFS", "vfat": "VFAT", "swap": "SWAP"}


class _Registry(Mapping[str, Filesystem]):
    """Each is imported where a volume carries it: hardly any machine has all of them."""

    def __getitem__(self, name: str) -> Filesystem:
        constant = _WHERE[name]
        found: Filesystem = getattr(importlib.import_module(f"{__name__}.{name}"), constant)
        return found

    def __contains__(self, name: object) -> bool:
        return name in _WHERE

    def __iter__(self) -> Iterator[str]:
        return iter(_WHERE)

    def __len__(self) -> int:
        return len(_WHERE)


FILESYSTEMS: Mapping[str, Filesystem] = _Registry()

__all__ = ["FILESYSTEMS", "Filesystem"]
