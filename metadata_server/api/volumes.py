"""Volumes, as Cinder's v3 has them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from metadata_server.api import shapes
from metadata_server.api.asking import services_of
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.errors import Invalid
from metadata_server.domain.volume import Origin, Volume
from metadata_server.workflow.services import Services

router = APIRouter()

# Cinder's words for what a volume is made from. `metadata_server.domain.volume.new` says what follows from each.
SOURCES = {
    "snapshot_id": Origin.SNAPSHOT, "source_volid": Origin.VOLUME, "source_replica": Origin.VOLUME, "imageRef": Origin.IMAGE,
    "backup_id": Origin.BACKUP, "consistencygroup_id": Origin.VOLUME,
}  # fmt: skip


@router.post("/volumes", status_code=202)
async def create(request: Request, body: shapes.NewVolumeBody) -> shapes.VolumeBody:
    """Make a volume."""
    wish = body.volume
    extra = wish.model_extra or {}
    origin = next((origin for word, origin in SOURCES.items() if extra.get(word)), Origin.NOTHING)
    volume = services_of(request).volumes.create(
        wish.name or "", wish.size, origin=origin, description=wish.description or "", metadata=wish.metadata or {}
    )
    return shapes.VolumeBody(volume=shapes.volume_detail(volume, ()))


@router.get("/volumes")
async def listed(request: Request) -> shapes.VolumesBody:
    """All volumes, by id and name."""
    return shapes.VolumesBody(volumes=[shapes.volume_summary(volume) for volume, _ in _found(request)])


@router.get("/volumes/detail")
async def details(request: Request) -> shapes.VolumeDetailsBody:
    """All volumes in full."""
    return shapes.VolumeDetailsBody(volumes=[shapes.volume_detail(*found) for found in _found(request)])


@router.get("/volumes/{identifier}")
async def show(request: Request, identifier: str) -> shapes.VolumeBody:
    """One volume."""
    return _body(services_of(request), identifier)


@router.put("/volumes/{identifier}")
async def change(request: Request, identifier: str, body: shapes.VolumeChangeBody) -> shapes.VolumeBody:
    """Another name, description or metadata."""
    services = services_of(request)
    volume, _ = services.volumes.get(identifier)
    wish = body.volume
    if wish.name is not None or wish.description is not None:
        name = volume.name if wish.name is None else wish.name
        services.volumes.rename(identifier, name, volume.description if wish.description is None else wish.description)
    if wish.metadata is not None:
        services.volumes.set_metadata(identifier, {**volume.metadata, **wish.metadata})
    return _body(services, identifier)


@router.delete("/volumes/{identifier}", status_code=202)
async def delete(request: Request, identifier: str) -> Response:
    """Destroy it."""
    services_of(request).volumes.delete(identifier)
    return Response(status_code=202)


@router.post("/volumes/{identifier}/action", status_code=202)
async def act(request: Request, identifier: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """os-extend, os-begin_detaching, os-roll_detaching."""
    services = services_of(request)
    if len(body) != 1 or (name := next(iter(body))) not in ("os-extend", "os-begin_detaching", "os-roll_detaching"):
        raise Invalid("there is no such action")
    if name == "os-extend":
        size = (body[name] or {}).get("new_size")
        if isinstance(size, bool) or not isinstance(size, int):
            raise Invalid("os-extend needs new_size, a whole number of GiB")
        services.volumes.extend(identifier, size)
    else:
        move = services.attachments.detach if name == "os-begin_detaching" else services.attachments.keep
        _, attachments = services.volumes.get(identifier)
        if not attachments:
            raise Invalid(f"Volume {identifier} is not attached.")
        for attachment in attachments:
            move(attachment.id)
    return Response(status_code=202)


def _found(request: Request) -> tuple[tuple[Volume, tuple[Attachment, ...]], ...]:
    """All that fit the query: name, status (Cinder's filters)."""
    wanted = {key: value for key, value in request.query_params.items() if key in ("name", "status")}
    details = [(pair, shapes.volume_detail(*pair)) for pair in services_of(request).volumes.all()]
    return tuple(pair for pair, detail in details if all(getattr(detail, key) == value for key, value in wanted.items()))


def _body(services: Services, identifier: str) -> shapes.VolumeBody:
    return shapes.VolumeBody(volume=shapes.volume_detail(*services.volumes.get(identifier)))
