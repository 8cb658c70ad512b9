"""Lists: which page, in which order, filtered by what; and the link to the next page (Block Storage API, "Pagination")."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request

from metadata_server.api.versions import (
    FILTERS_CHECKED,
    LIKE_FILTERS,
    SNAPSHOT_METADATA_FILTER,
    TIME_FILTERS,
    WITH_COUNT,
    version_of,
)
from metadata_server.domain.errors import Invalid
from metadata_server.domain.page import MOST, Filter, Order, Page

# What is no filter, or one that everything here passes: all volumes belong to one project.
_NOT_FILTERS = frozenset(
    {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "with_count", "all_tenants", "project_id", "is_detail"}
)
_TIMES = ("created_at", "updated_at")
_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")
_LONGEST_METADATA = 4096
# What Cinder calls otherwise than the columns.
_NAMES: Mapping[str, str] = {"display_name": "name"}

VOLUME_FILTERS = (
    "name",
    "status",
    "metadata",
    "bootable",
    "volume_type",
    "size",
    "id",
    "availability_zone",
    "created_at",
    "updated_at",
)
SNAPSHOT_FILTERS = ("name", "status", "volume_id", "metadata", "id", "created_at", "updated_at")
ATTACHMENT_FILTERS = ("volume_id", "instance_id", "status", "attach_status", "attach_mode", "id")


def page_of(request: Request, known: tuple[str, ...]) -> Page:
    """What the query asks for; ``known`` are the filters of this list. Raises `Invalid`."""
    query = request.query_params
    return Page(
        filters=tuple(_filters(request, known)), order=_order(query), marker=query.get("marker", ""),
        limit=min(_number(query, "limit", MOST), MOST), offset=_number(query, "offset", 0),
    )  # fmt: skip


def counted(request: Request) -> bool:
    """Whether the answer is to say how many there are on all pages."""
    asked = request.query_params.get("with_count", "").lower()
    return version_of(request) >= WITH_COUNT and asked in ("true", "1", "yes", "t", "y", "on")


def next_link(request: Request, page: Page, ids: list[str]) -> list[dict[str, str]]:
    """The link to what comes after a full page."""
    if not ids or len(ids) < page.limit:
        return []
    return [{"rel": "next", "href": str(request.url.remove_query_params("offset").include_query_params(marker=ids[-1]))}]


def links(request: Request, kind: str, identifier: str) -> list[dict[str, str]]:
    """The two links that everything in Cinder has."""
    root = f"{request.url.scheme}://{request.url.netloc}"
    project = request.path_params.get("project", "")
    path = f"{project}/{kind}/{identifier}" if project else f"{kind}/{identifier}"
    return [{"rel": "self", "href": f"{root}/v3/{path}"}, {"rel": "bookmark", "href": f"{root}/{path}"}]


def _filters(request: Request, known: tuple[str, ...]) -> Iterator[Filter]:
    version = version_of(request)
    for given, value in request.query_params.items():
        if given in _NOT_FILTERS:
            continue
        like = given.endswith("~") and version >= LIKE_FILTERS
        key = _NAMES.get(given.removesuffix("~"), given.removesuffix("~")) if like else _NAMES.get(given, given)
        if key not in known:
            if version >= FILTERS_CHECKED:
                raise Invalid(f"Filters {given} are not supported; there are {', '.join(known)}.")
        elif key == "metadata":
            if version >= SNAPSHOT_METADATA_FILTER:
                yield from (Filter("metadata", wanted, part=part) for part, wanted in _mapping(value).items())
        elif key in _TIMES and version >= TIME_FILTERS:
            yield from _times(key, value)
        elif key != "availability_zone":
            yield Filter(key, value, "like" if like else "eq")


def _times(key: str, value: str) -> Iterator[Filter]:
    """``created_at=gt:TIME,lt:TIME``; times sort as text, once all are in UTC and say so."""
    for each in value.split(","):
        word, colon, time = each.partition(":")
        known = colon and word in _OPERATORS
        moment = (time if known else each).removesuffix("Z").removesuffix("+00:00") + "+00:00"
        yield Filter(key, moment, ("ne" if word == "neq" else word) if known else "eq")


def _mapping(text: str) -> Mapping[str, str]:
    """``{'key': 'value'}``, as Python writes it: Cinder's own form."""
    try:
        found = ast.literal_eval(text) if len(text) <= _LONGEST_METADATA else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):  # TypeError: a key that is a list
        found = None
    if not isinstance(found, dict) or not all(isinstance(word, str) for pair in found.items() for word in pair):
        raise Invalid("metadata must be a mapping such as {'key': 'value'}")
    return found


def _order(query: Mapping[str, Any]) -> tuple[Order, ...]:
    """``sort=key:dir,key`` or ``sort_key`` and ``sort_dir``; without either the newest comes first."""
    if "sort" in query:
        pairs = [each.partition(":")[::2] for each in str(query["sort"]).split(",")]
    else:
        pairs = [(query.get("sort_key", "created_at"), query.get("sort_dir", "desc"))]
    if any(direction not in ("asc", "desc", "") for _, direction in pairs):
        raise Invalid("a direction to sort by is asc or desc")
    return tuple(Order(_NAMES.get(key.strip(), key.strip()), direction != "asc") for key, direction in pairs)


def _number(query: Mapping[str, Any], key: str, default: int) -> int:
    text = str(query.get(key, default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Invalid(f"{key} must be a whole number from 0, not {text[:32]!r}")
    return int(text)
