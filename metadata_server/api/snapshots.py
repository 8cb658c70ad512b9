"""Snapshots, as Cinder's v3 has them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from metadata_server.api import snapshot_shapes as shapes
from metadata_server.api.asking import services_of
from metadata_server.api.metadata import metadata_routes
from metadata_server.api.paging import SNAPSHOT_FILTERS, counted, next_link, page_of
from metadata_server.api.versions import SNAPSHOT_IN_USE, version_of
from metadata_server.domain.errors import Invalid
from metadata_server.domain.page import Page
from metadata_server.workflow.metadata import Edit, kept, replaced
from metadata_server.workflow.volume_jobs import of_snapshot

router = APIRouter()


@router.post("/snapshots", status_code=202, response_model_exclude_unset=True)
async def create(request: Request, body: shapes.NewSnapshotBody) -> shapes.SnapshotSummaryBody:
    """Take one; the answer waits a moment for it, and tells what went wrong in that time."""
    services, wish = services_of(request), body.snapshot
    snapshot = services.snapshots.create(
        wish.volume_id, name=wish.name or "", description=wish.description or "", metadata=wish.metadata or {},
        force=_forced(request, wish.force),
    )  # fmt: skip
    await services.jobs.hear(of_snapshot(snapshot.id))
    return _summary(request, snapshot.id)


@router.get("/snapshots", response_model_exclude_unset=True)
async def listed(request: Request) -> shapes.SnapshotsBody:
    """Snapshots, the summary."""
    page = page_of(request, SNAPSHOT_FILTERS)
    found = [shapes.snapshot_summary(request, each) for each in services_of(request).snapshots.page(page)]
    return shapes.SnapshotsBody(snapshots=found, **_about(request, page, [each.id for each in found]))


@router.get("/snapshots/detail", response_model_exclude_unset=True)
async def details(request: Request) -> shapes.SnapshotDetailsBody:
    """Snapshots in full."""
    page = page_of(request, SNAPSHOT_FILTERS)
    found = [shapes.snapshot_detail(request, each) for each in services_of(request).snapshots.page(page)]
    return shapes.SnapshotDetailsBody(snapshots=found, **_about(request, page, [each.id for each in found]))


@router.get("/snapshots/{identifier}", response_model_exclude_unset=True)
async def show(request: Request, identifier: str) -> shapes.SnapshotBody:
    """One snapshot."""
    snapshot = services_of(request).snapshots.get(identifier)
    return shapes.SnapshotBody(snapshot=shapes.snapshot_detail(request, snapshot))


@router.put("/snapshots/{identifier}", response_model_exclude_unset=True)
async def change(request: Request, identifier: str, body: shapes.SnapshotChangeBody) -> shapes.SnapshotSummaryBody:
    """Another name or description."""
    words = body.snapshot.metadata
    services_of(request).snapshots.change(identifier, **body.snapshot.words, metadata=kept if words is None else replaced(words))
    return _summary(request, identifier)


@router.delete("/snapshots/{identifier}", status_code=202)
async def delete(request: Request, identifier: str) -> Response:
    """Destroy it."""
    services = services_of(request)
    services.snapshots.delete(identifier)
    await services.jobs.hear(of_snapshot(identifier))
    return Response(status_code=202)


@router.post("/snapshots/{identifier}/action", status_code=202)
async def act(request: Request, identifier: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """os-reset_status, os-force_delete."""
    services = services_of(request)
    if list(body) == ["os-reset_status"]:
        argument = body["os-reset_status"]
        services.snapshots.reset(identifier, str(argument.get("status", "")) if isinstance(argument, dict) else "")
    elif list(body) == ["os-force_delete"]:
        services.snapshots.delete(identifier, force=True)
        await services.jobs.hear(of_snapshot(identifier))
    else:
        raise Invalid("There is no such action; there are os-reset_status, os-force_delete.")
    return Response(status_code=202)


def _metadata(request: Request, identifier: str) -> dict[str, str]:
    return dict(services_of(request).snapshots.get(identifier).metadata)


def _edit_metadata(request: Request, identifier: str, edit: Edit) -> None:
    services_of(request).snapshots.change(identifier, metadata=edit)


metadata_routes(router, "snapshots", _metadata, _edit_metadata)


def _forced(request: Request, force: bool | None) -> bool:
    """Since 3.66 a volume in use is no reason to ask twice."""
    if version_of(request) < SNAPSHOT_IN_USE:
        return bool(force)
    if force is False:
        raise Invalid(
            "Since microversion 3.66 the 'force' flag is invalid for this request: volumes in use are snapshotted, too."
        )
    return True


def _about(request: Request, page: Page, ids: list[str]) -> dict[str, Any]:
    following = next_link(request, page, ids)
    about: dict[str, Any] = {"snapshots_links": following} if following else {}
    if counted(request):
        about["count"] = services_of(request).snapshots.count(page)
    return about


def _summary(request: Request, identifier: str) -> shapes.SnapshotSummaryBody:
    return shapes.SnapshotSummaryBody(snapshot=shapes.snapshot_summary(request, services_of(request).snapshots.get(identifier)))
