"""What every server of one database must have in common: made by the first one that needs it."""

from __future__ import annotations

import secrets

from metadata_server.domain.errors import Conflict
from metadata_server.store import Store

SESSION_TOKENS = "session tokens"
# Of the one folder where the volumes of this database are.
FOLDER = "folder"
KEY_BYTES = 32


def shared_key(store: Store, name: str) -> bytes:
    """The key with this name."""
    return bytes.fromhex(shared_text(store, name, secrets.token_hex(KEY_BYTES)))


def shared_text(store: Store, name: str, text: str) -> str:
    """The text with this name: ``text`` where there was none."""
    with store.read() as transaction:
        found = transaction.shared_keys.get(name)
    if found is not None:
        return found
    try:
        with store.begin() as transaction:
            transaction.shared_keys.add(name, text)
    except Conflict:  # another server was quicker
        return shared_text(store, name, text)
    return text
