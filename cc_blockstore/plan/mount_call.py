"""What mount(8) would ask of the kernel, where that is one plain call: flags of mount(2), and the file system's own options."""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.values import dataclass

# linux/mount.h; the words that switch something off are the kernel's defaults.
_FLAGS = {
    "defaults": 0, "rw": 0, "suid": 0, "dev": 0, "exec": 0, "async": 0,
    "ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "sync": 16, "dirsync": 128, "noatime": 1 << 10, "nodiratime": 1 << 11,
    "relatime": 1 << 21, "strictatime": 1 << 24, "lazytime": 1 << 25,
}  # fmt: skip
# Words for whoever reads fstab; the kernel never sees them.
_COMMENTS = frozenset({"_netdev", "auto", "noauto", "nofail"})
# Of file systems: those that we add ourselves, and a common one.
_DATA = frozenset({"noload", "norecovery", "nouuid", "discard"})


@dataclass(frozen=True)
class MountCall:
    """mount(2), to the letter."""

    device: str
    point: str
    type: str
    flags: int
    data: str


def mount_call(device: str, point: str, kind: str, options: Iterable[str]) -> MountCall | None:
    """The call; None where an option may mean more than the kernel knows: then mount(8) is asked."""
    flags, data = 0, []
    for option in options:
        if option in _FLAGS:
            flags |= _FLAGS[option]
        elif option in _DATA:
            data.append(option)
        elif option not in _COMMENTS and not option.startswith("x-"):
            return None
    return MountCall(device, point, kind, flags, ",".join(data))
