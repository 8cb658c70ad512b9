"""Where the parts of the document come from, in order of rising priority (design, section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from blockstore import tree
from blockstore.errors import DocumentInvalid, Fault
from blockstore.reader import SIMILAR, Faults, kind, nearest, shown
from blockstore.report import line
from cc_blockstore.document.merge import merged
from cc_blockstore.machine.machine import Paths

KEY, CLOUD_CONFIG = "blockstore", "#cloud-config"
# Bytes of one file. A document is written by hand or by a template; anything longer is something else.
LONGEST = 1 << 20


def gather(cfg: Mapping[str, Any], metadata: Mapping[str, Any], paths: Paths) -> dict[str, object] | None:
    """The merged document; None where nobody wrote any part of it.

    The parts: the datasource's metadata key, what our datasource keeps for later boots, ``/etc/blockstore/conf.d``, cloud-config,
    and the block that our datasource took out of the user-data. Raises `DocumentInvalid` where a part is no mapping or no YAML.
    """
    places: dict[str, Callable[[], object]] = {
        "datasource metadata": lambda: metadata.get(KEY),
        **_files(paths.state / "datasource.yaml"),
        **_files(*sorted((paths.etc / "blockstore/conf.d").glob("*.yaml")), listed=True),
        "cloud-config": lambda: cfg.get(KEY),
        **_files(paths.state / "user-data.yaml"),
    }
    found, faults = [], Faults()
    for name, read in places.items():
        part = _part(name, read, faults)
        if part is not None:
            found.append(part)
    faults.raise_any()
    return merged(found) if found else None


def _part(name: str, read: Callable[[], object], faults: Faults) -> Mapping[str, object] | None:
    try:
        part = read()
    except DocumentInvalid as error:
        for each in error.faults:
            faults.add(each.path, each.message)
        return None
    if part is None:
        return None
    problem = tree.fault(part) if isinstance(part, Mapping) else "the blockstore document must be a mapping"
    if not isinstance(part, Mapping) or problem:
        faults.add(name, str(problem))
        return None
    return part


def _files(*paths: Path, listed: bool = False) -> dict[str, Callable[[], object]]:
    return {line(str(path)): partial(_file, path, listed=listed) for path in paths}


def _file(path: Path, *, listed: bool) -> object:
    """The document in a file, with or without the ``blockstore:`` above it; None where there is no file. One that is
    ``listed`` in its folder is there, so it must lead somewhere."""
    if not listed and not path.exists():
        return None
    return load(text_of(path), line(str(path)))


def text_of(path: Path, *, any_kind: bool = False) -> str:
    """The text of a document's file; ``any_kind``: a pipe will do. Raises `DocumentInvalid` in all cases that need it."""
    name = line(str(path))
    try:
        if not any_kind and path.exists() and not path.is_file():
            raise DocumentInvalid([Fault(name, "cannot be read: it is no file")])
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
        if len(data) > LONGEST:
            raise DocumentInvalid([Fault(name, f"is longer than {LONGEST >> 10} KiB")])
        return data.decode()
    except UnicodeDecodeError:
        raise DocumentInvalid([Fault(name, "cannot be read: not UTF-8")]) from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise DocumentInvalid([Fault(name, f"cannot be read: {reason}")]) from None


def load(text: str, name: str) -> object:
    """The document in a text of YAML. Raises `DocumentInvalid` with the line of a fault, and never with its content."""
    value = _loaded(text, name)
    return value[KEY] if isinstance(value, Mapping) and KEY in value else value


def load_written(text: str, name: str) -> object:
    """The same for somebody who asks whether a file is right: it must be a mapping, and a cloud-config must hold the block:
    without it cloud-init would hand us nothing."""
    value = _loaded(text, name)
    if value is not None and not isinstance(value, Mapping):
        raise DocumentInvalid([Fault(name, f"must be a mapping, not {kind(value)}")])
    found = value or {}
    if KEY in found or not text.lstrip().lower().startswith(CLOUD_CONFIG):
        return found.get(KEY, value)
    raise DocumentInvalid([Fault(name, _without_block([key for key in found if isinstance(key, str)]))])


def _without_block(keys: Sequence[str]) -> str:
    near = nearest(KEY, tuple(keys), SIMILAR)
    return f"is a cloud-config without '{KEY}:'" + (f"; is {shown(near)} meant to be it?" if near else "")


def _loaded(text: str, name: str) -> object:
    from blockstore import yaml_text  # late: where all comes from cloud-config, nothing is left to be parsed

    try:
        return yaml_text.load_once(text, KEY)
    except yaml_text.Unreadable as error:
        raise DocumentInvalid(Fault(name, problem) for problem in error.problems) from None
