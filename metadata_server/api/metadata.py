"""Metadata of volumes and of snapshots: the same calls, made once."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from metadata_server.api.shapes import Shape
from metadata_server.domain.errors import Invalid
from metadata_server.workflow.metadata import Edit, merged, replaced, unknown, without


class MetadataBody(Shape):
    """All of it."""

    metadata: dict[str, str]


class ItemBody(Shape):
    """One key of it."""

    meta: dict[str, str]


Get = Callable[[Request, str], dict[str, str]]
Change = Callable[[Request, str, Edit], None]


def metadata_routes(router: APIRouter, kind: str, get: Get, change: Change) -> None:
    """``/volumes/{id}/metadata`` and below, or ``/snapshots/…``."""
    path, item = f"/{kind}/{{identifier}}/metadata", f"/{kind}/{{identifier}}/metadata/{{key}}"

    @router.get(path, name=f"{kind} metadata")
    async def show(request: Request, identifier: str) -> MetadataBody:
        """All of it."""
        return MetadataBody(metadata=get(request, identifier))

    @router.post(path, name=f"{kind} metadata add")
    async def add(request: Request, identifier: str, body: MetadataBody) -> MetadataBody:
        """Some more."""
        change(request, identifier, merged(body.metadata))
        return MetadataBody(metadata=get(request, identifier))

    @router.put(path, name=f"{kind} metadata replace")
    async def replace(request: Request, identifier: str, body: MetadataBody) -> MetadataBody:
        """This and no other."""
        change(request, identifier, replaced(body.metadata))
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
        change(request, identifier, merged(body.meta))
        return body

    @router.delete(item, name=f"{kind} metadata item delete")
    async def delete_item(request: Request, identifier: str, key: str) -> Response:
        """One key less."""
        change(request, identifier, without(key))
        return Response(status_code=200)


def _item(metadata: dict[str, str], key: str) -> str:
    if key not in metadata:
        raise unknown(key)
    return metadata[key]
