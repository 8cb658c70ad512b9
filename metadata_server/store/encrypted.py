"""A column whose texts rest encrypted where a key is configured. The engine's dialect carries the keys: no global knows them."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import Dialect, Engine, String, Text
from sqlalchemy.types import TypeDecorator

from metadata_server.store.cipher import Cipher

_KEYS = "blockstore_keys"


class EncryptedText(TypeDecorator[str]):
    """``place`` (table and column) is bound into what is stored: it cannot be read from anywhere else."""

    impl: Any = Text
    cache_ok = True

    def __init__(self, place: str, *args: object) -> None:
        super().__init__(*args)
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """See SQLAlchemy."""
        return None if value is None else keys_of(dialect).encrypt(value, self.place)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """See SQLAlchemy."""
        return None if value is None else keys_of(dialect).decrypt(value, self.place)


class EncryptedString(EncryptedText):
    """One with a length, which is that of the column: a text grows by 97 characters and a third of itself."""

    impl = String
    cache_ok = True


def hand_keys(engine: Engine, keys: Cipher) -> None:
    """From now on the engine encrypts with these."""
    setattr(engine.dialect, _KEYS, keys)


def keys_of(dialect: sqlalchemy.Dialect) -> Cipher:
    """The keys that were handed to this engine; none where none were."""
    found: Cipher | None = getattr(dialect, _KEYS, None)
    return found or Cipher()
