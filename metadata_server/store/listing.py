"""Lists by the page: filters, order and marker become one statement, so that a page costs as much as it holds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from metadata_server.domain.errors import Invalid, NotFound
from metadata_server.domain.page import Filter, Order, Page

Column = ColumnElement[Any]
Comparison = Callable[[Any, Any], Any]

_COMPARE: Mapping[str, Comparison] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
    "like": lambda column, value: column.contains(value, autoescape=True),
}  # fmt: skip


def paged(connection: Connection, statement: Select[Any], columns: Mapping[str, Column], page: Page) -> Select[Any]:
    """The statement's rows that are on this page. ``columns`` is what may be filtered and sorted by, ``id`` among it.

    Raises `Invalid` for a key that is not in ``columns``, `NotFound` for a marker that is not there.
    """
    wanted = filtered(statement, columns, page.filters)
    orders = (*page.order, *(() if any(each.key == "id" for each in page.order) else (Order("id", page.order[-1].descending),)))
    if page.marker:
        wanted = wanted.where(_after(connection, statement, columns, orders, page.marker))
    sorted_by = (_column(columns, each.key, "sort by") for each in orders)
    wanted = wanted.order_by(*(column.desc() if each.descending else column.asc() for column, each in zip(sorted_by, orders)))
    return wanted.limit(page.limit).offset(page.offset)


def filtered(statement: Select[Any], columns: Mapping[str, Column], filters: tuple[Filter, ...]) -> Select[Any]:
    """Those rows that all filters let through."""
    return statement.where(*(_condition(columns, each) for each in filters))


def counted(connection: Connection, statement: Select[Any], columns: Mapping[str, Column], page: Page) -> int:
    """How many rows there are on all pages together."""
    wanted = filtered(statement, columns, page.filters).with_only_columns(columns["id"]).subquery()
    return int(connection.execute(select(func.count()).select_from(wanted)).scalar_one())


def _condition(columns: Mapping[str, Column], wish: Filter) -> Column:
    column = _column(columns, wish.key, "filter by")
    value: object = wish.value
    if wish.part:
        column = column[wish.part].as_string()
    kind = column.type.python_type
    if kind is bool:
        value = wish.value.lower() in ("true", "1", "yes")
    elif kind is int:
        if not (wish.value.isascii() and wish.value.isdecimal() and len(wish.value) < 10):
            raise Invalid(f"{wish.key} is a number of at most 9 digits, not {wish.value[:32]!r}")
        value = int(wish.value)
    condition: Column = _COMPARE[wish.operator](column, value)
    return condition


def _after(
    connection: Connection, statement: Select[Any], columns: Mapping[str, Column], orders: tuple[Order, ...], marker: str
) -> Column:
    keys = [_column(columns, each.key, "sort by") for each in orders]
    row = connection.execute(statement.with_only_columns(*keys).where(columns["id"] == marker)).first()
    if row is None:
        raise NotFound(f"marker {marker} could not be found.")
    ways = []
    for index, each in enumerate(orders):
        same = [key == value for key, value in zip(keys[:index], row)]
        beyond = keys[index] < row[index] if each.descending else keys[index] > row[index]
        ways.append(and_(*same, beyond))
    # The same again by the first key alone: that is what an index begins to read at.
    begin = keys[0] <= row[0] if orders[0].descending else keys[0] >= row[0]
    return and_(begin, or_(*ways))


def _column(columns: Mapping[str, Column], key: str, what: str) -> Column:
    if key not in columns:
        raise Invalid(f"{key!r} is nothing to {what}; there are {', '.join(columns)}")
    return columns[key]
