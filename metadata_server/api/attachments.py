"""Attachments, as Cinder's v3 has them since microversion 3.27."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from blockstore.connector import Connector
from metadata_server.api import shapes
from metadata_server.api.asking import services_of
from metadata_server.api.paging import ATTACHMENT_FILTERS, next_link, page_of
from metadata_server.api.versions import ATTACHMENTS, COMPLETE, MODE, need
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.errors import Invalid
from metadata_server.workflow import changes
from metadata_server.workflow.services import Services

# As the shape that its route names has it.
Document = dict[str, Any]


# Not one of these dependencies is a plain function: FastAPI would start a thread for each.
async def _supported(request: Request) -> None:
    need(request, ATTACHMENTS)


router = APIRouter(dependencies=[Depends(_supported)])


@router.post("/attachments", response_model=shapes.AttachmentBody)
async def create(request: Request, body: shapes.NewAttachmentBody) -> Document:
    """Reserve; with a connector reserve and connect."""
    services, wish = services_of(request), body.attachment
    attachments = services.attachments
    if wish.mode is not None:
        need(request, MODE)
    if wish.blank:
        raise Invalid("blockstore:blank (attach --blank) is for volumes that a Cinder owns; of these the server knows it itself.")
    connector = Connector.from_wire(wish.connector) if wish.connector else None
    mode = wish.mode or "rw"
    attachment = attachments.reserve(wish.volume_uuid, wish.instance_uuid or "", mode=mode, mutual=wish.mutual_chap)
    if connector is not None:
        try:
            attachment, _ = attachments.connect(attachment.id, connector)
        except Exception:
            attachments.release(attachment.id)
            raise
    return _body(services, attachment, secrets=True)


@router.get("/attachments", response_model_exclude_unset=True)
async def listed(request: Request) -> shapes.AttachmentsBody:
    """All attachments, the summary."""
    found, about = _found(request)
    return shapes.AttachmentsBody(attachments=[shapes.attachment_summary(each) for each in found], **about)


@router.get("/attachments/detail", response_model=shapes.AttachmentDetailsBody, response_model_exclude_unset=True)
async def details(request: Request) -> Document:
    """All attachments in full, without secrets."""
    found, about = _found(request)
    services = services_of(request)
    return {"attachments": [_body(services, each)["attachment"] for each in found], **about}


@router.get("/attachments/{identifier}", response_model=shapes.AttachmentBody)
async def show(request: Request, identifier: str, wait: Annotated[int, Query(ge=0, le=60)] = 0, status: str = "") -> Document:
    """One attachment. Ours beside Cinder's: with ``wait`` the answer is held while its status is ``status``."""
    services = services_of(request)
    attachment, _ = services.attachments.get(identifier)
    if wait and attachment.status.value == status:
        await services.changes.wait(changes.attachment(identifier), wait)
        attachment, _ = services.attachments.get(identifier)
    return _body(services, attachment)


@router.put("/attachments/{identifier}", response_model=shapes.AttachmentBody)
async def connect(request: Request, identifier: str, body: shapes.AttachmentChangeBody) -> Document:
    """Connect: the answer holds the secret."""
    services = services_of(request)
    attachment, _ = services.attachments.connect(identifier, Connector.from_wire(body.attachment.connector))
    return _body(services, attachment, secrets=True)


@router.post("/attachments/{identifier}/action", status_code=204)
async def act(request: Request, identifier: str, body: Annotated[dict[str, Any], Body()]) -> Response:
    """os-complete."""
    need(request, COMPLETE)
    if list(body) != ["os-complete"]:
        raise Invalid("the one action is os-complete")
    services_of(request).attachments.complete(identifier)
    return Response(status_code=204)


@router.delete("/attachments/{identifier}", response_model=shapes.AttachmentsBody, response_model_exclude_unset=True)
async def delete(request: Request, identifier: str) -> Document:
    """Release at once; gives what remains of the volume's attachments: nothing, because a volume has one at most."""
    services_of(request).attachments.release(identifier)
    return {"attachments": []}


def _found(request: Request) -> tuple[tuple[Attachment, ...], dict[str, Any]]:
    """A page of them, and the link to the next one."""
    page = page_of(request, ATTACHMENT_FILTERS)
    found = services_of(request).attachments.page(page)
    following = next_link(request, page, [each.id for each in found])
    return found, {"attachments_links": following} if following else {}


def _body(services: Services, attachment: Attachment, *, secrets: bool = False) -> Document:
    return {"attachment": shapes.attachment_words(attachment, services.connection(attachment), secrets=secrets)}
