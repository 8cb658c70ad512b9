"""Is the device that appeared really this volume?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from blockstore.size import GIB
from blockstore.values import dataclass
from cc_blockstore.plan.decision import Decision, Keep, Refuse, Wait


@dataclass(frozen=True)
class Device:
    """A disk in sysfs: its node, its SCSI serial (VPD page 80h, "" where it has none), its size in bytes."""

    node: str
    serial: str
    size: int
    read_only: bool = False


@dataclass(frozen=True)
class Identity:
    """What the device must be: ``serial`` is "" where nobody named one (a static document may leave it out). ``named``: the
    serials that were named, each with its volume."""

    serial: str
    named: Mapping[str, str] = field(default_factory=dict)


def decide(seen: Device | None, wanted: Identity) -> Decision:
    """Whether this device is the volume. A device without a serial is not taken for one whose serial was named,
    nor one with the serial that was named for another volume for one of which nobody named any."""
    if seen is None:
        return Wait("the device to appear")
    if wanted.serial and seen.serial != wanted.serial:
        return Refuse(
            f"refusing to use {seen.node}: wanted serial {wanted.serial!r}, found {seen.serial!r}",
            "the target answers with another volume; check the target's LUN",
        )
    if not wanted.serial and seen.serial in wanted.named:
        return Refuse(
            f"refusing to use {seen.node}: its serial {seen.serial!r} is the one that was named for volume "
            f"{wanted.named[seen.serial]}",
            "the target answers with another volume; check the target's LUN",
        )
    return Keep(f"{seen.node} has serial {seen.serial or '(none)'}")


def may_have_grown(seen: Device, size: int | None) -> bool:
    """Whether the disk should be asked for its size again: it differs from the volume's (in GiB), or nobody says what that is."""
    return size is None or seen.size != size * GIB
