"""Metadata of volumes and of snapshots: the same calls, made once."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from metadata_server.api.shapes import Shape
from metadata_server.domain.errors import Invalid, NotFound


class MetadataBody(Shape):
    """All of it."""

    metadata: dict[str, str]


class ItemBody(Shape):
    """One key of it."""

    meta: dict[str, str]


Get = Callable[[Request, str], dict[str, str]]
Set = Callable[[Request, str, dict[str, str]], None]


def metadata_routes(router: APIRouter, kind: str, get: Get, put: Set) -> None:
    """``/volumes/{id}/metadata`` and below, or ``/snapshots/…``; ``put`` replaces all of it."""
    path, item = f"/{kind}/{{identifier}}/metadata", f"/{kind}/{{identifier}}/metadata/{{key}}"

    @router.get(path, name=f"{kind} metadata")
    async def show(request: Request, identifier: str) -> MetadataBody:
        """All of it."""
        return MetadataBody(metadata=get(request, identifier))

    @router.post(path, name=f"{kind} metadata add")
    async def add(request: Request, identifier: str, body: MetadataBody) -> MetadataBody:
        """Some more."""
        put(request, identifier, {**get(request, identifier), **body.metadata})
        return MetadataBody(metadata=get(request, identifier))

    @router.put(path, name=f"{kind} metadata replace")
    async def replace(request: Request, identifier: str, body: MetadataBody) -> MetadataBody:
        """This and no other."""
        get(request, identifier)
        put(request, identifier, body.metadata)
        return MetadataBody(metadata=get(request, identifier))

    @router.get(item, name=f"{kind} metadata item")
    async def show_item(request: Request, identifier: str, key: str) -> ItemBody:
        """One key."""
        return ItemBody(meta={key: _item(get(request, identifier), key)})

    @router.put(item, name=f"{kind} metadata item set")
    async def set_item(request: Request, identifier: str, key: str, body: ItemBody) -> ItemBody:
        """One key."""
        if list(body.meta) != [key]:
            raise Invalid("Request body and URI mismatch: meta must have the one key that the path names")
        put(request, identifier, {**get(request, identifier), **body.meta})
        return body

    @router.delete(item, name=f"{kind} metadata item delete")
    async def delete_item(request: Request, identifier: str, key: str) -> Response:
        """One key less."""
        metadata = get(request, identifier)
        _item(metadata, key)
        put(request, identifier, {word: value for word, value in metadata.items() if word != key})
        return Response(status_code=200)


def _item(metadata: dict[str, str], key: str) -> str:
    if key not in metadata:
        raise NotFound(f"Metadata item {key} was not found.")
    return metadata[key]
