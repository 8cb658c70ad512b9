"""Instances: what Cinder has no word for, because Nova has it."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from blockstore.attachment import Attachment
from blockstore.secret import Secret
from metadata_server.api import shapes
from metadata_server.api.asking import engine_of, shared_of

router = APIRouter()


@router.post("/instances", status_code=201)
async def create(request: Request, body: shapes.NewInstanceBody) -> shapes.InstanceBody:
    """Register an instance; its token is in this answer and in no other."""
    instances = shared_of(request).instances
    instance = instances.create(**body.instance.model_dump())
    token = instances.new_token(instance.id)
    return shapes.InstanceBody(instance=shapes.instance_detail(instance).model_copy(update={"token": token.reveal()}))


@router.get("/instances")
async def listed(request: Request) -> shapes.InstancesBody:
    """All instances."""
    return shapes.InstancesBody(instances=[shapes.instance_detail(each) for each in shared_of(request).instances.all()])


@router.get("/instances/{identifier}")
async def show(request: Request, identifier: str) -> shapes.InstanceBody:
    """One instance, its attachments and its last report."""
    services = shared_of(request)
    instance = services.instances.get(identifier)
    heard = services.instances.heard(identifier)
    detail = shapes.instance_detail(instance)
    detail.attachments = [_attached(each, identifier) for each in await engine_of(request).attachments(identifier)]
    if heard is not None:
        detail.report, detail.reported_at = heard.body, shapes.moment(heard.received_at)
    return shapes.InstanceBody(instance=detail)


@router.put("/instances/{identifier}")
async def change(request: Request, identifier: str, body: shapes.InstanceChangeBody) -> shapes.InstanceBody:
    """The addresses that its requests come from."""
    changed = shared_of(request).instances.set_addresses(identifier, body.instance.addresses)
    return shapes.InstanceBody(instance=shapes.instance_detail(changed))


@router.delete("/instances/{identifier}", status_code=204)
async def delete(request: Request, identifier: str) -> Response:
    """Forget it; refused while it has attachments."""
    shared_of(request).instances.delete(identifier)
    return Response(status_code=204)


@router.post("/instances/{identifier}/token")
async def token(request: Request, identifier: str, body: shapes.TokenRequest) -> shapes.TokenBody:
    """A new token."""
    return shapes.TokenBody(token=shared_of(request).instances.new_token(identifier, revoke=body.revoke).reveal())


@router.post("/instances/{identifier}/seed")
async def seed(request: Request, identifier: str, body: shapes.TokenRequest) -> shapes.SeedBody:
    """The files of a seed, with a new token in them."""
    services = shared_of(request)
    new = services.instances.new_token(identifier, revoke=body.revoke)
    return shapes.SeedBody(files=services.seed(identifier, token=new), token=new.reveal())


@router.post("/instances/{identifier}/revoke", status_code=204)
async def revoke(request: Request, identifier: str, body: shapes.TokenBody) -> Response:
    """End all tokens but this one."""
    shared_of(request).instances.revoke(identifier, but=Secret(body.token))
    return Response(status_code=204)


@router.get("/status")
async def status(request: Request) -> dict[str, object]:
    """How the server is."""
    return {"status": asdict(shared_of(request).status(request.app.state.health))}


def _attached(attachment: Attachment, instance: str) -> shapes.AttachmentSummary:
    status = attachment.status.value
    return shapes.AttachmentSummary(id=attachment.id, status=status, instance=instance, volume_id=attachment.volume.id)
