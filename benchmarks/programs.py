"""The disk with what is measured inside the guest: benchmarks/guest, and os-brick from PyPI for the guest's Python."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from testbed import cache
from testbed.command import Progress, run

GUEST = Path(__file__).with_name("guest")
OS_BRICK = "os-brick==7.1.1"
PYTHON = "3.13"  # of trixie
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")
SIZE = "256M"


def programs_disk(disk: Path) -> Path:
    """Make it; ``disk`` comes back."""
    with cache.scratch() as scratch:
        tree = scratch / "tree"
        shutil.copytree(GUEST, tree, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(_os_brick(), tree / "os-brick")
        run(["mke2fs", "-q", "-t", "ext4", "-d", tree, disk, SIZE])
    return disk


def _os_brick() -> Path:
    """os-brick and all that it needs, installed once into a folder of the cache."""
    folder = cache.folder() / f"os-brick-{cache.key(OS_BRICK, PYTHON, *PLATFORMS)}"
    with cache.locked(cache.folder() / "os-brick.lock"):
        if not folder.exists():
            with Progress(f"installing {OS_BRICK} for the guest (once)"):
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                run(_pip(partial))
                partial.rename(folder)
    return folder


def _pip(folder: Path) -> list[str | Path]:
    platforms = [word for each in PLATFORMS for word in ("--platform", each)]
    return [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--target", folder,
        "--only-binary", ":all:", "--python-version", PYTHON, "--implementation", "cp", *platforms, OS_BRICK,
    ]  # fmt: skip
