"""Which of a server's target daemons has an export, and how many daemons there are. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

MOST = 16


def home(iqn: str, daemons: int) -> int:
    """The number of the daemon that has this target, of so many.

    The checksum of its name: every server of a folder says the same, before and after any restart, and has nobody to ask and
    nothing to remember (hash() is another one in every process). Names end in random ids, which spreads them evenly.
    """
    return zlib.crc32(iqn.encode()) % daemons


@dataclass(frozen=True)
class Count:
    """How many daemons there are; ``warning`` where that is not what the configuration says."""

    daemons: int
    warning: str = ""


def count(configured: int, there: int, *, free: bool) -> Count:
    """How many daemons there shall be. ``there`` were some last (0: nobody knows of any); ``free``: nothing is exported, and no
    other server goes by their number.

    With another number exports have other homes, and so other ports; an instance that is logged in would find nothing at the one
    that its node record names.
    """
    if there in (0, configured) or free:
        return Count(configured)
    return Count(
        there,
        f"[targets] daemons is {configured}, and the server goes on with {there}: another number would move exports to other "
        "ports under their instances; to change it detach all volumes, stop every server of this folder, and start again",
    )
