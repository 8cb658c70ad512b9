"""Volume types: the configured backends. Who wants other ones changes the configuration."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from metadata_server.api.asking import services_of
from metadata_server.api.shapes import Shape
from metadata_server.domain.errors import NotFound
from metadata_server.domain.volume_type import type_id

router = APIRouter()


class Type(Shape):
    """One type."""

    id: str
    name: str
    description: str | None
    is_public: bool = True
    extra_specs: dict[str, str]
    qos_specs_id: str | None = None


class TypeBody(Shape):
    """One type."""

    volume_type: dict[str, Any]


class TypesBody(Shape):
    """All types."""

    volume_types: list[dict[str, Any]]


@router.get("/types")
async def listed(request: Request) -> TypesBody:
    """All of them, the default one first."""
    return TypesBody(volume_types=_all(request))


@router.get("/types/{identifier}")
async def show(request: Request, identifier: str) -> TypeBody:
    """One, by id or name; ``default`` is the one that a volume gets for which none was wished."""
    return TypeBody(volume_type=_one(request, identifier))


@router.get("/types/{identifier}/extra_specs")
async def extra_specs(request: Request, identifier: str) -> dict[str, dict[str, str]]:
    """Which backend it is."""
    return {"extra_specs": _one(request, identifier)["extra_specs"]}


@router.get("/types/{identifier}/encryption")
async def encryption(request: Request, identifier: str) -> dict[str, str]:
    """Nothing here encrypts volumes."""
    _one(request, identifier)
    return {}


def _all(request: Request) -> list[dict[str, Any]]:
    return [
        {
            "id": type_id(each.name), "name": each.name, "description": each.description or None, "is_public": True,
            "os-volume-type-access:is_public": True, "qos_specs_id": None, "extra_specs": {"volume_backend_name": each.name},
        }
        for each in services_of(request).types
    ]  # fmt: skip


def _one(request: Request, identifier: str) -> dict[str, Any]:
    types = _all(request)
    if identifier == "default":
        return types[0]
    found = [each for each in types if identifier in (each["id"], each["name"])]
    if not found:
        raise NotFound(f"Volume type {identifier} could not be found.")
    return found[0]
