"""Volumes as sparse files in one folder: no volume manager, no root; the file system under it keeps the holes.

Where that file system can share blocks (XFS, Btrfs: FICLONE, ioctl_ficlonerange(2)) a copy is the work of a moment. Elsewhere
only what is no hole is copied, which takes its time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from blockstore.reader import Reader
from metadata_server.backends import sharing
from metadata_server.backends.protocol import Found, Observer
from metadata_server.domain.errors import Unavailable

SNAPSHOT = "snapshot-"


@dataclass(frozen=True)
class SparseSettings:
    """``folder`` holds the files."""

    folder: Path

    def open(self, observe: Observer) -> SparseFiles:
        """See `Settings.open`."""
        return SparseFiles(self.folder, observe)


def read(reader: Reader, state: Path) -> SparseSettings:
    """Its one key is ``path`` (default: ``volumes`` in the server's folder)."""
    reader.only(("path",))
    return SparseSettings(Path(reader.text("path", check=path_fault) or state / "volumes").absolute())


def path_fault(text: str) -> str | None:
    """Why a volume cannot lie there, or None."""
    # tgtd reads its parameters cut at commas; there is no way to quote one.
    return "must not contain a comma (tgt cannot name such a path)" if "," in text else None


class SparseFiles:
    """``<folder>/<volume id>`` and ``<folder>/snapshot-<id>``, mode 0600. Half-made ones have other names."""

    def __init__(self, folder: Path, observe: Observer) -> None:
        self._folder, self._observe = folder, observe
        self._atomic = False

    @property
    def atomic(self) -> bool:
        """See `Backend.atomic`."""
        return self._atomic

    def check(self) -> None:
        """Make the folder, find out whether blocks can be shared in it, and remove what a kill left half copied."""
        with _said(f"folder of volumes {self._folder} (volumes.path)"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sharing.sweep(self._folder)
            self._atomic = sharing.possible(self._folder)

    def create(self, volume: str, size: int) -> None:
        """See `Backend.create`."""
        there = (self._folder / volume).exists()
        try:
            self._grow(volume, size, os.O_CREAT)
        except Unavailable:
            if not there:
                with suppress(OSError):
                    (self._folder / volume).unlink()
            raise

    def create_from_snapshot(self, volume: str, snapshot: str, size: int) -> None:
        """See `Backend.create_from_snapshot`."""
        self._copy(SNAPSHOT + snapshot, volume, size)

    def create_from_volume(self, volume: str, source: str, size: int) -> None:
        """See `Backend.create_from_volume`."""
        self._copy(source, volume, size)

    def extend(self, volume: str, size: int) -> None:
        """See `Backend.extend`."""
        self._grow(volume, size, 0)

    def delete(self, volume: str) -> None:
        """See `Backend.delete`."""
        self._remove(volume)

    def snapshot(self, snapshot: str, volume: str) -> None:
        """See `Backend.snapshot`."""
        self._copy(volume, SNAPSHOT + snapshot, 0)

    def delete_snapshot(self, snapshot: str) -> None:
        """See `Backend.delete_snapshot`."""
        self._remove(SNAPSHOT + snapshot)

    def revert(self, volume: str, snapshot: str, size: int) -> None:
        """See `Backend.revert`."""
        with _said(f"volume {volume}"):
            self._replace(SNAPSHOT + snapshot, volume, size)

    def unrevert(self, volume: str) -> None:
        """See `Backend.unrevert`: a copy is shown by one rename, and a half one is swept at the start."""

    def path(self, volume: str) -> str:
        """See `Backend.path`."""
        return f"{self._folder}/{volume}"

    def found(self) -> Found:
        """See `Backend.found`."""
        with _said(f"folder of volumes {self._folder}"):
            names = [entry.name for entry in os.scandir(self._folder) if not entry.name.startswith(".")]
        snapshots = {name for name in names if name.startswith(SNAPSHOT)}
        return Found(
            volumes=frozenset(names) - snapshots,
            snapshots=frozenset(name.removeprefix(SNAPSHOT) for name in snapshots),
        )

    def _copy(self, source: str, name: str, size: int) -> None:
        with _said(f"{source} to {name}"):
            if not (self._folder / name).exists():
                self._replace(source, name, size)

    def _replace(self, source: str, name: str, size: int) -> None:
        """Whole under another name first, then renamed: whoever looks sees all of it or none."""
        with sharing.part(self._folder, name) as (path, descriptor):
            self._observe("backend: copy")
            sharing.copy(self._folder / source, descriptor)
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, size)
            os.fsync(descriptor)
            self._observe("backend: show the copy")
            path.rename(self._folder / name)
        self._settle()

    def _grow(self, name: str, size: int, flags: int) -> None:
        with _said(f"volume {name}"):
            descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
            try:
                if os.fstat(descriptor).st_size < size:
                    os.ftruncate(descriptor, size)
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._settle()

    def _remove(self, name: str) -> None:
        with _said(f"volume {name}"):
            (self._folder / name).unlink(missing_ok=True)
            self._settle()

    def _settle(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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
