"""Volumes, as Cinder's v3 has them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from metadata_server.api import volume_shapes as shapes
from metadata_server.api.asking import services_of
from metadata_server.api.metadata import metadata_routes
from metadata_server.api.paging import VOLUME_FILTERS, counted, next_link, page_of
from metadata_server.api.versions import SUMMARY, SUMMARY_METADATA, need, version_of
from metadata_server.api.volume_actions import ACTIONS
from metadata_server.domain.errors import Invalid
from metadata_server.domain.page import EVERYTHING
from metadata_server.domain.volume import Origin, Wish
from metadata_server.workflow.metadata import Edit, merged
from metadata_server.workflow.volume_jobs import of_volume

router = APIRouter()

# Cinder's words for what a volume is made from. `metadata_server.domain.volume.new` says what follows from each.
SOURCES = {
    "snapshot_id": Origin.SNAPSHOT, "source_volid": Origin.VOLUME, "source_replica": Origin.VOLUME, "imageRef": Origin.IMAGE,
    "backup_id": Origin.BACKUP, "consistencygroup_id": Origin.VOLUME, "group_id": Origin.VOLUME,
}  # fmt: skip


@router.post("/volumes", status_code=202, response_model_exclude_unset=True)
async def create(request: Request, body: shapes.NewVolumeBody) -> shapes.VolumeBody:
    """Make a volume; the answer waits a moment for it, and tells what went wrong in that time."""
    services = services_of(request)
    volume = services.volumes.create(_wish(body.volume))
    await services.jobs.hear(of_volume(volume.id))
    return _body(request, volume.id)


@router.get("/volumes", response_model_exclude_unset=True)
async def listed(request: Request) -> shapes.VolumesBody:
    """Volumes, by id and name."""
    page = page_of(request, VOLUME_FILTERS)
    found = [shapes.volume_summary(request, volume) for volume, _ in services_of(request).volumes.page(page)]
    return shapes.VolumesBody(volumes=found, **_about(request, [each.id for each in found]))


@router.get("/volumes/detail", response_model_exclude_unset=True)
async def details(request: Request) -> shapes.VolumeDetailsBody:
    """Volumes in full."""
    page = page_of(request, VOLUME_FILTERS)
    found = [shapes.volume_detail(request, *held) for held in services_of(request).volumes.page(page)]
    return shapes.VolumeDetailsBody(volumes=found, **_about(request, [each.id for each in found]))


@router.get("/volumes/summary")
async def summary(request: Request) -> dict[str, Any]:
    """How many there are, how large they are together, and which metadata they have."""
    need(request, SUMMARY)
    volumes = services_of(request).volumes
    found: dict[str, Any] = {"total_size": 0, "total_count": 0}
    metadata: dict[str, list[str]] = {}
    for volume, _ in volumes.all():
        found["total_size"] += volume.size
        found["total_count"] += 1
        for key, value in volume.metadata.items():
            if value not in metadata.setdefault(key, []):
                metadata[key].append(value)
    return {"volume-summary": {**found, **({"metadata": metadata} if version_of(request) >= SUMMARY_METADATA else {})}}


@router.get("/volumes/{identifier}", response_model_exclude_unset=True)
async def show(request: Request, identifier: str) -> shapes.VolumeBody:
    """One volume."""
    return _body(request, identifier)


@router.put("/volumes/{identifier}", response_model_exclude_unset=True)
async def change(request: Request, identifier: str, body: shapes.VolumeChangeBody) -> shapes.VolumeBody:
    """Another name, description, or more metadata."""
    wish = body.volume
    services_of(request).volumes.change(identifier, **wish.words, metadata=merged(wish.metadata or {}))
    return _body(request, identifier)


@router.delete("/volumes/{identifier}", status_code=202)
async def delete(
    request: Request, identifier: str, cascade: Annotated[bool, Query()] = False, force: Annotated[bool, Query()] = False
) -> Response:
    """Destroy it; with ``cascade`` its snapshots, too."""
    services = services_of(request)
    services.volumes.delete(identifier, cascade=cascade, force=force)
    await services.jobs.hear(of_volume(identifier))
    return Response(status_code=202)


@router.post("/volumes/{identifier}/action", status_code=202)
async def act(request: Request, identifier: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """One of `ACTIONS`."""
    if len(body) != 1 or (name := next(iter(body))) not in ACTIONS:
        raise Invalid(f"There is no such action; there are {', '.join(ACTIONS)}.")
    action = ACTIONS[name]
    need(request, action.since)
    await action.answer(request, identifier, body[name])
    return Response(status_code=action.code)


def _metadata(request: Request, identifier: str) -> dict[str, str]:
    return dict(services_of(request).volumes.get(identifier)[0].metadata)


def _edit_metadata(request: Request, identifier: str, edit: Edit) -> None:
    services_of(request).volumes.change(identifier, metadata=edit)


metadata_routes(router, "volumes", _metadata, _edit_metadata)


def _wish(wish: shapes.NewVolume) -> Wish:
    asked = {**(wish.model_extra or {}), "snapshot_id": wish.snapshot_id, "source_volid": wish.source_volid}
    sources = [word for word in SOURCES if asked.get(word)]
    if len(sources) > 1:
        raise Invalid(f"a volume is made from one thing, not from {' and '.join(sources)}")
    if wish.multiattach:
        raise Invalid("multiattach: a volume has one attachment here")
    if wish.availability_zone not in (None, "", shapes.ZONE):
        raise Invalid(f"Availability zone '{wish.availability_zone}' is invalid; there is {shapes.ZONE}.")
    if wish.size is None and not sources:
        raise Invalid("size: is missing")
    return Wish(
        name=wish.name or "", size=wish.size, description=wish.description or "", metadata=wish.metadata or {},
        origin=SOURCES[sources[0]] if sources else Origin.NOTHING, source=str(asked[sources[0]]) if sources else "",
        volume_type=wish.volume_type or "",
    )  # fmt: skip


def _about(request: Request, ids: list[str]) -> dict[str, Any]:
    """What stands beside a list: the link to the next page, and how many there are."""
    page = page_of(request, VOLUME_FILTERS)
    following = next_link(request, page, ids)
    about: dict[str, Any] = {"volumes_links": following} if following else {}
    if counted(request):
        about["count"] = services_of(request).volumes.count(page if page.filters else EVERYTHING)
    return about


def _body(request: Request, identifier: str) -> shapes.VolumeBody:
    return shapes.VolumeBody(volume=shapes.volume_detail(request, *services_of(request).volumes.get(identifier)))
