"""Volumes as sparse files in one folder: no volume manager, no root; the file system under it keeps the holes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metadata_server.domain.errors import Unavailable


class SparseFiles:
    """``<folder>/<volume id>``, mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _said(f"folder of volumes {folder}"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, identifier: str, size: int) -> None:
        """See `Backend.create`."""
        self._grow(identifier, size, os.O_CREAT)

    def extend(self, identifier: str, size: int) -> None:
        """See `Backend.extend`."""
        self._grow(identifier, size, 0)

    def delete(self, identifier: str) -> None:
        """See `Backend.delete`."""
        with _said(f"volume {identifier}"):
            Path(self.path(identifier)).unlink(missing_ok=True)
            self._settle(self._folder)

    def path(self, identifier: str) -> str:
        """See `Backend.path`."""
        return str(self._folder / identifier)

    def _grow(self, identifier: str, size: int, flags: int) -> None:
        with _said(f"volume {identifier}"):
            descriptor = os.open(self.path(identifier), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
            try:
                if os.fstat(descriptor).st_size < size:
                    os.ftruncate(descriptor, size)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._settle(self._folder)

    @staticmethod
    def _settle(folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Raises `Unavailable` with the kernel's own words: no space left, too large, read-only."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{what}: {error.strerror}") from error
