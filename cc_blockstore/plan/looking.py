"""Who looks whether a device is empty: blkid and wipefs, or where their search could find nothing, we ourselves."""

from __future__ import annotations

import enum
from collections.abc import Sequence


class Looks(enum.Enum):
    """Whose look counts."""

    PROGRAMS = "blkid and wipefs"
    OURS = "our own"


def decide(*, whole: bool, stored: Sequence[object] | None, zeros: bool) -> Looks:
    """Whose look counts. Rows as in docs/reuse-rules.md, "looks".

    ``stored`` is what the device's target has stored anywhere, None where it does not say so of every block; ``zeros``: every
    place where a signature is looked for reads as zeros. A signature has bytes that are not, so that no program would find one.
    """
    if not whole or stored is None or len(stored) > 0:
        return Looks.PROGRAMS
    return Looks.OURS if zeros else Looks.PROGRAMS
