"""The floor, ended when udev has seen the new file systems: what is in fstab must wait for that.

A device that udev has not told systemd of has no unit there, and systemd unmounts what is bound to none when it next reads fstab.
So this is the floor of whoever writes fstab lines, or promises links.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from job import Job
from machine import PATIENCE

from contenders import floor

PAUSE = 0.005


def prepare(job: Job) -> None:
    """Nothing."""


def bring_up(job: Job) -> None:
    """Bring all of them up."""
    floor.bring_up(job)
    until = time.monotonic() + PATIENCE
    for volume in job.volumes:
        while not _seen(os.stat(volume.mount).st_dev):
            if time.monotonic() > until:
                raise RuntimeError(f"udev has not seen what is on {volume.mount}")
            time.sleep(PAUSE)


def _seen(device: int) -> bool:
    """Whether udev's database has a file system on it."""
    try:
        return "E:ID_FS_UUID=" in Path(f"/run/udev/data/b{os.major(device)}:{os.minor(device)}").read_text()
    except OSError:
        return False
