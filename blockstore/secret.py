"""A text that cannot be printed by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "**********"


class Secret:
    """Holds a secret text; prints as stars, compares in constant time, refuses to be pickled.

    ``reveal()`` is the one way to the text, so that every use can be found by that word.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Never into argv, environment, a log or an exception."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: it would end up in a file")


def masked(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every occurrence of these secrets replaced by stars."""
    # The longest first: a secret may begin with another one, and its end must not remain.
    for secret in sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
