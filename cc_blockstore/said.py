"""Whether anybody wrote a `blockstore` document at all: asked at every boot of every instance, so nothing is imported for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

# The same places as in cc_blockstore/document/sources.py, which reads them; a test compares the two.
KEY = "blockstore"
FILES = ("var/lib/blockstore/datasource.yaml", "var/lib/blockstore/user-data.yaml")
FOLDER = "etc/blockstore/conf.d"


def anything(cfg: Any, cloud: Any, root: str = "/") -> bool:
    """True where any part of a document is there, right or wrong. ``cfg`` and ``cloud`` as cloud-init hands them over."""
    if any(isinstance(each, Mapping) and each.get(KEY) is not None for each in (cfg, metadata(cloud))):
        return True
    return bool(files(root))


def metadata(cloud: Any) -> Any:
    """The datasource's metadata; None where there is none."""
    return getattr(getattr(cloud, "datasource", None), "metadata", None)


def files(root: str = "/") -> list[str]:
    """The files that hold a part of it."""
    folder = os.path.join(root, FOLDER)
    try:
        listed = sorted(name for name in os.listdir(folder) if name.endswith(".yaml"))
    except OSError:
        listed = []
    kept = [path for path in (os.path.join(root, name) for name in FILES) if os.path.exists(path)]
    return [*kept, *(os.path.join(folder, name) for name in listed)]
