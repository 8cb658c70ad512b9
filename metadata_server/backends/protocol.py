"""What the server asks of a backend, and of its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Observer = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """What a backend has, by id: what is finished, and nothing that it is in the middle of."""

    volumes: frozenset[str]
    snapshots: frozenset[str]


class Backend(Protocol):
    """One place for volumes and their snapshots. All sizes are bytes.

    Everything may be asked twice: the second time nothing is left to do. Everything happens wholly or not at all, whatever kill
    comes in between: what is not finished is not in `found`, and the same call again finishes it. What fails raises
    `Unavailable`, and leaves nothing behind. All but `path`, `atomic` and `check` may take long, and are called in a thread.
    """

    @property
    def atomic(self) -> bool:
        """Whether a copy is the work of a moment: right also of a volume that is being written to (crash-consistent)."""

    def check(self) -> None:
        """At every start: is the machine right for this? Raises `Unavailable` with what to do (the line to add) as its hint."""

    def create(self, volume: str, size: int) -> None:
        """Make the volume, all zeros; one that is there is left as it is."""

    def create_from_snapshot(self, volume: str, snapshot: str, size: int) -> None:
        """Make the volume with the bytes of a snapshot of this backend, and zeros up to ``size``."""

    def create_from_volume(self, volume: str, source: str, size: int) -> None:
        """Make the volume with the bytes of another volume of this backend, and zeros up to ``size``."""

    def extend(self, volume: str, size: int) -> None:
        """Grow it to ``size``, with zeros; never shrinks."""

    def delete(self, volume: str) -> None:
        """Destroy it; one that is not there is no fault."""

    def snapshot(self, snapshot: str, volume: str) -> None:
        """Keep the bytes that the volume has now; a snapshot that is there is left as it is."""

    def delete_snapshot(self, snapshot: str) -> None:
        """Destroy a snapshot; one that is not there is no fault. Volumes that were made from it stay."""

    def revert(self, volume: str, snapshot: str, size: int) -> None:
        """Give the volume, which nobody uses, the bytes of its snapshot, and zeros up to ``size``. The snapshot stays."""

    def unrevert(self, volume: str) -> None:
        """Leave nothing of a `revert` that was interrupted and is not to be finished: the volume is what it was, or what the
        snapshot was."""

    def path(self, volume: str) -> str:
        """The file or block device that a target exports; the same for as long as the volume is there."""

    def found(self) -> Found:
        """All that is there."""


class Settings(Protocol):
    """What the configuration says of one backend: a frozen value."""

    def open(self, observe: Observer) -> Backend:
        """The backend. ``observe`` hears the name of every step before it is done."""
