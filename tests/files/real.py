"""Sparse files that stand for devices: real tools write them, real tools and our own code read them back. No root needed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blockstore.run import ENVIRONMENT
from blockstore.size import GIB
from cc_blockstore.machine import content
from cc_blockstore.machine.machine import Machine, Paths
from cc_blockstore.plan.content import Content

SECTOR = 512


def real(*argv: str, text: str = "") -> str:
    """Run a real tool in the environment of `blockstore.run`; a failure shows what it said."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout


@contextlib.contextmanager
def images() -> Iterator[Path]:
    """A folder for sparse files: in memory where there is room, since mkfs flushes all that it writes."""
    memory = Path("/dev/shm")
    room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > GIB
    with tempfile.TemporaryDirectory(prefix="blockstore-", dir=memory if room else None) as folder:
        yield Path(folder)


@dataclass(frozen=True)
class File:
    """A sparse file below a root of its own, in which it counts as the device ``/dev/disk``."""

    root: Path
    size: int

    @classmethod
    def of(cls, root: Path, size: int) -> File:
        """An empty one."""
        file = cls(root, size)
        for folder in (file.path.parent, root / "sys/class/block/disk", root / "proc/self"):
            folder.mkdir(parents=True, exist_ok=True)
        with open(file.path, "wb") as handle:
            handle.truncate(size)
        (root / "sys/class/block/disk/size").write_text(f"{size // SECTOR}\n")
        return file

    @property
    def path(self) -> Path:
        return self.root / "dev/disk"

    @property
    def node(self) -> str:
        return str(self.path)

    @property
    def machine(self) -> Machine:
        """A machine with this disk and no udev."""
        return Machine(Paths(self.root))

    def probe(self) -> Content:
        """What our own close look makes of it."""
        return content.probe(self.machine, self.node)

    def blkid(self) -> dict[str, str]:
        """What blkid finds, in the one of its forms that quotes nothing."""
        tags = ("TYPE", "LABEL", "UUID")
        found = {tag: subprocess.run(
            ("blkid", "-p", "-o", "value", "-s", tag, self.node), capture_output=True, text=True, env=ENVIRONMENT, check=False
        ).stdout.rstrip("\n") for tag in tags}  # fmt: skip
        return {tag: value for tag, value in found.items() if value}

    def table(self) -> dict[str, Any]:
        """What sfdisk reads back."""
        return dict(json.loads(real("sfdisk", "--json", self.node))["partitiontable"])

    def put(self, offset: int, data: bytes) -> None:
        """Write some bytes."""
        with open(self.path, "r+b") as handle:
            handle.seek(offset)
            handle.write(data)
