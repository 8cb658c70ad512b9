"""Where mount points really are: the kernel names a mount by the folder that it is on, whatever links led there."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable

from cc_blockstore.machine import fstab
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import points as plan
from cc_blockstore.plan.desired import Desired
from cc_blockstore.wish import FilesystemWish

MOST_LINKS = 40  # as many as the kernel follows (path_resolution(7))


def resolved(machine: Machine, desired: Desired) -> Desired:
    """What is desired, with every mount point where it really is: looked at here for all that is decided and done afterwards."""
    points = plan.of(desired)
    if not points:
        return desired
    return plan.decide(desired, see(points, fstab.all_points(machine)))


def see(points: Iterable[str], ours: Iterable[str]) -> dict[str, str]:
    """Where each of these leads, and each folder of the system.

    Below one of them, or of ``ours`` (where our volumes were until now), no link is followed: it would lie on a volume, which may
    not be there yet, or not answer for minutes. Whoever mounts there looks when it is.
    """
    points = tuple(points)
    ends = {*points, *ours}
    found = {point: follow(point, ends) for point in points}
    if not ends.issuperset(found.values()):
        ends.update(found.values())
        found = {point: follow(point, ends) for point in points}
    return {**{folder: follow(folder, ends) for folder in plan.SYSTEM}, **found}


def follow(point: str, ends: Collection[str]) -> str:
    """Where links lead from here; below ``ends`` none is followed. Of a circle of links the path stays as it is."""
    real, rest, links = "", point.split("/"), 0
    while rest:
        name = rest.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            real = os.path.dirname(real).rstrip("/")
            continue
        target = _target(f"{real}/{name}")
        if target is None:
            real = f"{real}/{name}"
            if real in ends:
                return os.path.normpath("/".join((real, *rest)))
            continue
        links += 1
        if links > MOST_LINKS:
            return point
        real, rest = "" if target.startswith("/") else real, [*target.split("/"), *rest]
    return real or "/"


def _target(path: str) -> str | None:
    try:
        return os.readlink(path)
    except OSError:
        return None


def leads(wish: FilesystemWish) -> str:
    """Where a wished mount point leads now that what is above it is mounted; "" where there is none."""
    return os.path.realpath(wish.named or wish.mount) if wish.mount else ""
