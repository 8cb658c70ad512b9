"""Cinder in a virtual environment of its own: pinned, installed once, kept."""

import os
import shutil
import sys
from pathlib import Path

from testbed import cache
from testbed.command import Progress, run

CONSTRAINTS = Path(__file__).parent / "constraints.txt"
INSTALL_SECONDS = 600.0


def build() -> Path:
    """The environment's folder; made at the first call (half a minute). Raises `CommandFailed` with pip's words."""
    text = CONSTRAINTS.read_text()
    target = _folder() / f"cinder-venv-{cache.key(text, sys.version)}"
    with cache.locked(target.with_suffix(".lock")):
        done = target / "installed"
        if not done.exists():
            shutil.rmtree(target, ignore_errors=True)
            with Progress("installing Cinder"):
                run([sys.executable, "-m", "venv", target])
                pip = [str(target / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
                run([*pip, "--constraint", str(CONSTRAINTS), "cinder"], timeout=INSTALL_SECONDS)
            done.touch()
    return target


def _folder() -> Path:
    """build/ in the source tree, or where the cache is kept."""
    kept = cache.folder()
    return kept if os.environ.get("BLOCKSTORE_CACHE") else kept.parent
