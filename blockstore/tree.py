"""A document as a tree of plain values, and whether it is small enough to be walked.

A YAML anchor may be used again and again, inside of itself as well, so a few lines can stand for more values than any machine
holds. Everything is counted as if it were written out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar, cast

T = TypeVar("T")

# 10,000 attachments with all that there is to say of each are a quarter of a million values, five levels deep.
MOST_VALUES = 1 << 19
DEEPEST = 100
_END = object()


def fault(value: object) -> str | None:
    """Why this value is not walked (too many values, or nested too deeply), or None."""
    return fault_of(value, _inner)


def fault_of(top: T, inner: Callable[[T], Collection[T]]) -> str | None:
    """As `fault`, of any tree: ``inner`` says what is inside of a value."""
    # Depth first, with a stack of iterators: what contains itself is too deep long before it is too much.
    stack: list[Iterator[T | object]] = [iter((top,))]
    count = 0
    while stack:
        value = next(stack[-1], _END)
        if value is _END:
            stack.pop()
            continue
        count += 1
        if count > MOST_VALUES:
            return f"holds more than {MOST_VALUES} values"
        if inside := inner(cast("T", value)):
            if len(stack) > DEEPEST:
                return too_deep()
            stack.append(iter(inside))
    return None


def too_deep() -> str:
    """The words for it."""
    return f"is nested deeper than {DEEPEST} levels"


def _inner(value: object) -> Collection[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple, set, frozenset)) else ()
