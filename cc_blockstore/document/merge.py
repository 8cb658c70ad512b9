"""Merging the parts of the document: mappings by key, everything else replaced by the higher priority."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def merged(parts: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The parts as one mapping; a later part has the higher priority."""
    result: dict[str, object] = {}
    for part in parts:
        for key, value in part.items():
            below = result.get(key)
            if isinstance(value, Mapping) and isinstance(below, Mapping):
                result[key] = merged((below, value))
            else:
                result[key] = value
    return result
