"""Where the bytes of volumes lie. A new backend is one new file and one line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from metadata_server.backends.sparse import SparseFiles


class Backend(Protocol):
    """What the server asks of a backend. Everything may be asked twice: the second time nothing is left to do."""

    def create(self, identifier: str, size: int) -> None:
        """Make the volume, ``size`` in bytes, all zeros; one that is there is left as it is."""

    def extend(self, identifier: str, size: int) -> None:
        """Grow it to ``size`` bytes; never shrinks."""

    def delete(self, identifier: str) -> None:
        """Destroy it; one that is not there is no fault."""

    def path(self, identifier: str) -> str:
        """The file or block device that a target exports."""


REGISTRY: Mapping[str, Callable[[Path], Backend]] = {"sparse": SparseFiles}
