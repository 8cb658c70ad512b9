"""Somebody else's program in a virtual environment of its own: pinned, installed once, kept."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from testbed import cache
from testbed.command import Progress, run

INSTALL_SECONDS = 900.0


def build(name: str, constraints: Path, packages: Sequence[str]) -> Path:
    """The environment's folder; made at the first call (half a minute or more). Raises `CommandFailed` with pip's words."""
    text = constraints.read_text()
    target = _folder() / f"{name}-venv-{cache.key(text, sys.version)}"
    with cache.locked(target.with_suffix(".lock")):
        done = target / "installed"
        if not done.exists():
            shutil.rmtree(target, ignore_errors=True)
            with Progress(f"installing {name.capitalize()}"):
                run([sys.executable, "-m", "venv", target])
                pip = [str(target / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
                run([*pip, "--constraint", str(constraints), *packages], timeout=INSTALL_SECONDS)
            done.touch()
    return target


def _folder() -> Path:
    """build/ in the source tree, or where the cache is kept."""
    kept = cache.folder()
    return kept if os.environ.get("BLOCKSTORE_CACHE") else kept.parent
