"""Changes of metadata, made in the transaction that reads it: of two servers that add a key, none takes the other's away."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metadata_server.domain.errors import NotFound

Words = Mapping[str, str]
Edit = Callable[[Words], Words]


def kept(words: Words) -> Words:
    """As it is."""
    return words


def replaced(words: Words) -> Edit:
    """These and no others."""
    return lambda _: words


def merged(words: Words) -> Edit:
    """These, beside what is there."""
    return lambda before: {**before, **words}


def without(key: str) -> Edit:
    """One key less. Raises `NotFound` where it is not there."""

    def edit(before: Words) -> Words:
        if key not in before:
            raise unknown(key)
        return {word: value for word, value in before.items() if word != key}

    return edit


def unknown(key: str) -> NotFound:
    """There is no such key."""
    return NotFound(f"Metadata item {key} was not found.")
