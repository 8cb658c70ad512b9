"""What this tier needs, and a maker of files that stand for disks."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from blockstore.run import ENVIRONMENT
from tests.files.real import File, images

# The program and the Debian package that has it.
TOOLS = {
    "blkid": "util-linux", "mkswap": "util-linux", "sfdisk": "fdisk", "mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs",
    "mkfs.btrfs": "btrfs-progs", "mkfs.vfat": "dosfstools", "pvcreate": "lvm2", "cryptsetup": "cryptsetup-bin",
}  # fmt: skip

Disk = Callable[[int], File]


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    absent = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool, path=ENVIRONMENT["PATH"])})
    if absent:
        pytest.fail(f"tests/files needs these Debian packages: apt-get install {' '.join(absent)}", pytrace=False)


@pytest.fixture
def disk() -> Iterator[Disk]:
    """An empty disk of so many bytes."""
    with images() as folder:
        yield lambda size: File.of(folder / "root", size)
