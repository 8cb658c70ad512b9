"""Which part of a list somebody wants, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

# Cinder's osapi_max_limit.
MOST = 1000


@dataclass(frozen=True)
class Filter:
    """``key operator value``; the operators are eq, ne, gt, gte, lt, lte and like (contains). ``part`` is the key inside of a
    mapping."""

    key: str
    value: str
    operator: str = "eq"
    part: str = ""


@dataclass(frozen=True)
class Order:
    """One key to sort by."""

    key: str
    descending: bool = True


@dataclass(frozen=True)
class Page:
    """``marker`` is the id after which it begins; ``limit`` how many at most."""

    filters: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = (Order("created_at"),)
    marker: str = ""
    limit: int = MOST
    offset: int = 0


EVERYTHING = Page(order=(Order("created_at", descending=False),), limit=2**31 - 1)
