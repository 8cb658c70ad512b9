"""Where the bytes of volumes lie. A new backend is one new file and one line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from blockstore.reader import Reader
from metadata_server.backends import lvm, sparse
from metadata_server.backends.protocol import Backend, Found, Settings

__all__ = ["REGISTRY", "Backend", "Found", "Settings"]

# Each reads its own keys of ``[volumes]`` or of one ``[[volumes.types]]``; the path is the server's folder.
REGISTRY: Mapping[str, Callable[[Reader, Path], Settings]] = {"sparse": sparse.read, "lvm": lvm.read}
