"""Secrets as they rest in the database: AES-256-GCM (cryptography's AEAD), bound to their column, under a key that has a name.

``$secret$<key id>$<base64 of nonce and ciphertext>``; without a key they are stored as they are. What is plain and looks
like that is stored under the name ``plain``.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from metadata_server.database import private_text
from metadata_server.domain.errors import Unavailable

MARK, PLAIN = "$secret$", "plain"
KEY_BYTES, NONCE_BYTES, ID_LENGTH = 32, 12, 8


class Cipher:
    """The first key encrypts, all decrypt; without any, texts pass as they are."""

    def __init__(self, keys: Iterable[bytes] = (), *, source: str = "") -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        self.source = source

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the keys, the one that encrypts first."""
        return tuple(self._keys)

    def encrypt(self, text: str, place: str) -> str:
        """As it is stored at ``place`` (table and column), and nowhere else. Nothing is not encrypted."""
        if not text:
            return text
        if not self._keys:
            return f"{MARK}{PLAIN}${text}" if text.startswith(MARK) else text
        name, key = next(iter(self._keys.items()))
        nonce = os.urandom(NONCE_BYTES)
        return f"{MARK}{name}${base64.b64encode(nonce + key.encrypt(nonce, text.encode(), place.encode())).decode()}"

    def decrypt(self, stored: str, place: str) -> str:
        """The text. Raises `Unavailable` where no key of ours opens it."""
        if not stored.startswith(MARK):
            return stored
        name, _, rest = stored.removeprefix(MARK).partition("$")
        if name == PLAIN:
            return rest
        if name not in self._keys:
            raise Unavailable(f"{place} is encrypted with key {name}, which is not in {self.source or 'any key file'}")
        try:
            raw = base64.b64decode(rest, validate=True)
            return self._keys[name].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (ValueError, InvalidTag):
            raise Unavailable(f"{place} in the database was changed by somebody: it is not what key {name} encrypted") from None

    def current(self, stored: str) -> bool:
        """Whether it is stored as `encrypt` would store it now."""
        return not stored or not self._keys or stored.startswith(f"{MARK}{self.names[0]}$")


def read(file: Path | None) -> Cipher:
    """The keys of a file: base64 of 32 bytes a line, the newest first; lines with # are remarks. Raises `Unavailable`."""
    if file is None:
        return Cipher()
    try:
        keys = [base64.b64decode(line, validate=True) for line in _lines(private_text(file))]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise Unavailable(
            f"{file} is no key file: it has a key a line, base64 of {KEY_BYTES} bytes",
            hint="blockstore-server keys add makes one under a new name",
        )
    return Cipher(keys, source=str(file))


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def remarks(text: str) -> bool:
    """Whether this is the text of a file that has no key yet, and nothing else either."""
    return not _lines(text)


def new_key() -> str:
    """A new key, as it stands in a file."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def key_id_of(line: str) -> str:
    """The id of a key as it stands in a file."""
    return key_id(base64.b64decode(line))


def key_id(key: bytes) -> str:
    """A name that tells nothing of the key."""
    return hashlib.sha256(b"blockstore key id\0" + key).hexdigest()[:ID_LENGTH]
