"""What a guest is made for: an instance that uses volumes, or a machine that serves them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from testbed.packages import GUEST_PACKAGES, newest_packages, storage_packages


@dataclass(frozen=True)
class Kind:
    """`packages` gives Debian's packages of its layer, `ours` the newest of our own .debs; `disabled` are units that those
    bring and nobody wants here. `prefix` stands before the suite in the names of its images."""

    prefix: str
    packages: Callable[[], tuple[str, ...]]
    ours: Callable[[], tuple[Path, ...]]
    disabled: tuple[str, ...]


# No guest asks for names; resolved starts where cloud-init restarts it.
INSTANCE = Kind("", lambda: GUEST_PACKAGES, newest_packages, ("systemd-resolved.service",))

# Debian's tgtd would take the portal's port on every address; the other restores a saveconfig.json, which there never is.
STORAGE = Kind(
    "storage-", storage_packages, lambda: newest_packages("blockstore-server"), ("tgt.service", "rtslib-fb-targetctl.service")
)
