"""What an operator is told of the database itself."""

from __future__ import annotations

from dataclasses import dataclass

from metadata_server.store import encrypted, migrating
from metadata_server.store.store import Store


@dataclass(frozen=True)
class About:
    """``kind`` is SQLAlchemy's name of it, ``schema`` the newest migration, ``keys`` how many keys open its secrets (0: they
    rest as they are)."""

    kind: str
    schema: str
    keys: int


def about(store: Store) -> About:
    """Without asking it: it may be away."""
    return About(store.engine.dialect.name, migrating.NEWEST, len(encrypted.keys_of(store.engine.dialect).names))
