"""What must not be guessed: identifiers, CHAP secrets, tokens."""

from __future__ import annotations

import secrets
import string
import uuid

from blockstore.secret import Secret

# RFC 7143 section 9.2.1 asks for 96 bits of chance in a CHAP secret; these are 190.
CHAP_LENGTH = 32
# 256 bits.
TOKEN_LENGTH = 43
_ALPHABET = (string.ascii_letters + string.digits).encode()
# Each letter stands for as many bytes as any other; the bytes above have none.
_FAIR = 256 - 256 % len(_ALPHABET)
_LETTERS, _NONE = bytes(_ALPHABET[each % len(_ALPHABET)] for each in range(256)), bytes(range(_FAIR, 256))


def new_id() -> str:
    """A new identifier: 36 characters, just as many as the serial of a tgt LUN holds."""
    return str(uuid.uuid4())


def random_text(length: int) -> str:
    """Letters and digits from the system's source of chance."""
    found = b""
    while len(found) < length:
        found += secrets.token_bytes(length + length // 4).translate(_LETTERS, _NONE)
    return found[:length].decode()


def new_secret(length: int = CHAP_LENGTH) -> Secret:
    """A new secret."""
    return Secret(random_text(length))
