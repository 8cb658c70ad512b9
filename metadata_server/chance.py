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
_ALPHABET = string.ascii_letters + string.digits


def new_id() -> str:
    """A new identifier: 36 characters, just as many as the serial of a tgt LUN holds."""
    return str(uuid.uuid4())


def random_text(length: int) -> str:
    """Letters and digits from the system's source of chance, which is asked once."""
    number, letters = secrets.randbelow(len(_ALPHABET) ** length), []
    for _ in range(length):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def new_secret(length: int = CHAP_LENGTH) -> Secret:
    """A new secret."""
    return Secret(random_text(length))
