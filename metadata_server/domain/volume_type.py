"""A volume type as users see it."""

from __future__ import annotations

import uuid

# Ids of types are made of their names, so that they are the same at every start, on every server.
_NAMESPACE = uuid.UUID("6f3f5c0e-4a5c-5d1b-9d5e-0b6c8d1f2a77")


def type_id(name: str) -> str:
    """The id of the type of this name."""
    return str(uuid.uuid5(_NAMESPACE, name))
