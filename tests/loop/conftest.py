"""What this tier needs (root, tools), and its disks and instances; all is undone, whatever a test did."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blockstore.run import ENVIRONMENT
from tests.files.real import images
from tests.loop.disk import Disk, sparse
from tests.loop.instance import Instance

# The program and the Debian package that has it.
TOOLS = {
    "losetup": "mount", "mount": "mount", "partx": "util-linux", "blockdev": "util-linux", "findmnt": "util-linux",
    "blkid": "util-linux", "sfdisk": "fdisk", "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mkfs.btrfs": "btrfs-progs",
    "mkfs.vfat": "dosfstools", "pvcreate": "lvm2", "cryptsetup": "cryptsetup-bin", "dmsetup": "dmsetup",
}  # fmt: skip

MakeDisk = Callable[..., Disk]
MakeInstance = Callable[[], Instance]


@pytest.fixture(scope="session", autouse=True)
def able() -> None:
    if os.geteuid() != 0:
        pytest.fail("tests/loop needs root (loop devices, mount); without it name the other folders to pytest", pytrace=False)
    absent = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool, path=ENVIRONMENT["PATH"])})
    if absent:
        pytest.fail(f"tests/loop needs these Debian packages: apt-get install {' '.join(absent)}", pytrace=False)


@pytest.fixture
def make_disk() -> Iterator[MakeDisk]:
    """Makes empty disks, not yet attached; at the end none is."""
    count = iter(range(100))
    with images() as folder, contextlib.ExitStack() as ends:

        def make(size: int, sector: int = 512) -> Disk:
            disk = sparse(folder / f"disk{next(count)}", size, sector)
            ends.callback(_end, disk)
            return disk

        yield make


def _end(disk: Disk) -> None:
    if disk.node:
        disk.detach()
    disk.file.unlink()


@pytest.fixture
def make_instance(tmp_path: Path) -> MakeInstance:
    """Makes instances that know nothing of each other."""
    count = iter(range(100))
    return lambda: Instance.fresh(tmp_path / f"instance{next(count)}")


@pytest.fixture
def instance(make_instance: MakeInstance) -> Instance:
    return make_instance()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where things are mounted."""
    return tmp_path / "srv"
