"""Copies of sparse files: blocks shared where the file system can, else copied but for the holes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# linux/fs.h: _IOW(0x94, 9, int). The ioctl holds both files locked against writes: what it shares is the state of one moment.
FICLONE = 0x40049409
# What file systems that share no blocks answer (ioctl_ficlonerange(2)).
UNABLE = frozenset({errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS, errno.EPERM})
CHUNK = 64 << 20
SUFFIX = ".part"


@contextmanager
def part(folder: Path, name: str) -> Iterator[tuple[Path, int]]:
    """An empty file that will be called ``name`` once it is whole; gone if it does not come to that.

    It stays locked, so that no other server takes it for what a kill left. Raises `BlockingIOError` where another one makes it.
    """
    path = folder / f".{name}{SUFFIX}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        try:
            yield path, descriptor
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the parts that nobody works on."""
    for path in folder.glob(f".*{SUFFIX}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        finally:
            os.close(descriptor)


def possible(folder: Path) -> bool:
    """Whether blocks can be shared in this folder: tried, since no name of a file system says it (XFS: reflink=0)."""
    with part(folder, "probe") as (path, target), part(folder, "probed") as (other, source):
        os.ftruncate(source, 4096)
        path.unlink()
        other.unlink()
        return _shared(source, target)


def copy(source: Path, target: int) -> None:
    """Give the empty file ``target`` the bytes of ``source``."""
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not _shared(descriptor, target):
            _copy_data(descriptor, target)
    finally:
        os.close(descriptor)


def _shared(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno not in UNABLE:
            raise
        return False
    return True


def _copy_data(source: int, target: int) -> None:
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    for begin, end in _data(source, size):
        os.lseek(target, begin, os.SEEK_SET)
        while begin < end:
            begin += os.sendfile(target, source, begin, min(CHUNK, end - begin))


def _data(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """The stretches of a file that are no holes (lseek(2), SEEK_DATA)."""
    position = 0
    while position < size:
        try:
            position = os.lseek(descriptor, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        end = os.lseek(descriptor, position, os.SEEK_HOLE)
        yield position, end
        position = end
