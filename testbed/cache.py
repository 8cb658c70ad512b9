"""The cache's folder, its locks, and where big temporary trees are built."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent
_SHARED_MEMORY = Path("/dev/shm")
_TREE_BYTES = 3 << 30


def folder() -> Path:
    """Where images are kept: $BLOCKSTORE_CACHE, else build/testbed in the source tree. It is there on return."""
    given = os.environ.get("BLOCKSTORE_CACHE")
    chosen = Path(given) if given else _REPOSITORY / "build/testbed"
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def key(*parts: bytes | str) -> str:
    """A name for content made from `parts`: equal parts, equal name."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, so that two runs never build the same thing side by side."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a tree of some hundred megabytes, in memory where there is room; gone at the end."""
    roomy = _SHARED_MEMORY.is_dir() and shutil.disk_usage(_SHARED_MEMORY).free > _TREE_BYTES
    place = Path(tempfile.mkdtemp(prefix="testbed-", dir=_SHARED_MEMORY if roomy else None))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
