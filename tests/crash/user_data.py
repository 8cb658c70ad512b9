"""A user's data: a file on every file system that can have one. Swap has none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from blockstore.report import FilesystemReport
from blockstore.run import ENVIRONMENT
from tests.loop.disk import run

MOUNTABLE = ("ext4", "xfs", "btrfs")  # kernels of micro-VMs have no vfat: there mtools reads and writes it
USER_FILES = (*MOUNTABLE, "vfat")
NAME, CONTENT = "user-data", "a user's bytes, 27 of them\n" * 400


def put(filesystems: tuple[FilesystemReport, ...]) -> None:
    """A file on each, durable when this returns. One that is there already is left alone."""
    for each in filesystems:
        if each.mount and not has_user_data(Path(each.mount)):
            _write(Path(each.mount))
        elif each.type == "vfat" and not has_user_file(each.device):
            run("mcopy", "-i", each.device, "-", f"::{NAME}", text=CONTENT)
            with open(each.device, "rb") as device:
                os.fsync(device.fileno())


def _write(folder: Path) -> None:
    with open(folder / NAME, "w") as file:
        file.write(CONTENT)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)


def has_user_data(folder: Path) -> bool:
    """Whether the user's file is there as it was."""
    file = folder / NAME
    return file.is_file() and file.read_bytes() == CONTENT.encode()


def has_user_file(node: str) -> bool:
    """The same of a vfat that is not mounted."""
    argv = ("mcopy", "-i", node, f"::{NAME}", "-")
    done = subprocess.run(argv, capture_output=True, env=ENVIRONMENT, check=False, timeout=30)
    return done.returncode == 0 and done.stdout == CONTENT.encode()
