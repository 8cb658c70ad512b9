"""Keys that every server of one database must have: made by the first one that needs it."""

from __future__ import annotations

import secrets

from metadata_server.domain.errors import Conflict
from metadata_server.store import Store

SESSION_TOKENS = "session tokens"
KEY_BYTES = 32


def shared_key(store: Store, name: str) -> bytes:
    """The key with this name."""
    with store.read() as transaction:
        found = transaction.shared_keys.get(name)
    if found is None:
        made = secrets.token_hex(KEY_BYTES)
        try:
            with store.begin() as transaction:
                transaction.shared_keys.add(name, made)
            found = made
        except Conflict:  # another server was quicker
            return shared_key(store, name)
    return bytes.fromhex(found)
