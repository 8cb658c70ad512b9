"""Next runs that are wrong on purpose: a proof that cannot fail proves nothing."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from cc_blockstore.wish import VolumeWish
from tests.crash.scenario import bring_up
from tests.loop.disk import Disk
from tests.loop.instance import Done, Instance


def formats_anew(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """Makes everything anew where nothing is mounted yet, user data or not: it always converges."""
    if f"{disk.node} " not in Path("/proc/self/mounts").read_text():
        with open(disk.node, "r+b") as device:
            for _ in range(disk.size >> 20):
                device.write(bytes(1 << 20))
    return bring_up(instance, disk, wish, True)


def refuses(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """Sees another volume's serial everywhere."""
    return instance.bring_up(disk, wish, blank=blank, found="another")


def raises(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """Ends with a traceback."""
    raise ZeroDivisionError("planted")


def removes_carelessly(instance: Instance, disk: Disk, wish: VolumeWish, blank: bool | None) -> Done:
    """Removes its mark, and leaves it to chance when that reaches the instance's own disk."""
    with mock.patch("cc_blockstore.machine.files.remove", Path.unlink):
        return bring_up(instance, disk, wish, blank)
