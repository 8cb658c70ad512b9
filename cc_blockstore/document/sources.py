"""Where the parts of the document come from, in order of rising priority (design, section 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blockstore.errors import DocumentInvalid, Fault
from cc_blockstore.document.merge import merged
from cc_blockstore.machine.machine import Paths

KEY = "blockstore"
# A password that begins with "*", "&" or "!" and has no quotes around it: PyYAML quotes it in its message.
_QUOTED = re.compile(r"\b(alias|anchor|tag|handle) (['\"]).*\2")


def gather(cfg: Mapping[str, Any], metadata: Mapping[str, Any], paths: Paths) -> dict[str, object] | None:
    """The merged document; None where nobody wrote any part of it.

    The parts: the datasource's metadata key, what our datasource keeps for later boots, ``/etc/blockstore/conf.d``, cloud-config,
    and the block that our datasource took out of the user-data. Raises `DocumentInvalid` where a part is no mapping or no YAML.
    """
    parts = {
        "datasource metadata": metadata.get(KEY),
        str(paths.state / "datasource.yaml"): _file(paths.state / "datasource.yaml"),
        **{str(path): _file(path) for path in sorted((paths.etc / "blockstore/conf.d").glob("*.yaml"))},
        "cloud-config": cfg.get(KEY),
        str(paths.state / "user-data.yaml"): _file(paths.state / "user-data.yaml"),
    }
    said = {name: part for name, part in parts.items() if part is not None}
    found = [part for part in said.values() if isinstance(part, Mapping)]
    if len(found) < len(said):
        wrong = [name for name, part in said.items() if not isinstance(part, Mapping)]
        raise DocumentInvalid(Fault(name, "the blockstore document must be a mapping") for name in wrong)
    return merged(found) if found else None


def _file(path: Path) -> object:
    """The document in a file, with or without the ``blockstore:`` above it; None where there is no file."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentInvalid([Fault(str(path), f"cannot be read ({type(error).__name__})")]) from None
    return load(text, str(path))


def load(text: str, name: str) -> object:
    """The document in a text of YAML. Raises `DocumentInvalid` with the line of a fault, and never with its content."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2026-13-45 is no date
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        problem = _QUOTED.sub(r"\1", getattr(error, "problem", "") or "unreadable")
        raise DocumentInvalid([Fault(name, f"is not YAML: {where}: {problem}")]) from None
    if isinstance(value, Mapping) and KEY in value:
        return value[KEY]
    return value
