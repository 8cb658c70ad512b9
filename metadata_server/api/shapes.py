"""The operator's documents in Cinder's v3 shapes (Block Storage API reference), as pydantic models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from blockstore.iscsi import IscsiConnection
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.instance import Instance

Text = Annotated[str, Field(max_length=255)]


class Shape(BaseModel):
    """Keys that start with a word and a colon (``blockstore:blank``) are extensions, as Cinder writes them."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class NewAttachment(Shape):
    """``attachment`` of POST /attachments. ``blank`` is refused: this server knows itself what was written to its volumes."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    volume_uuid: str
    instance_uuid: str | None = None
    connector: dict[str, Any] | None = None
    mode: str | None = None
    mutual_chap: bool = Field(False, alias="blockstore:mutual_chap")
    blank: bool = Field(False, alias="blockstore:blank")


class NewAttachmentBody(Shape):
    """Body of POST /attachments."""

    attachment: NewAttachment


class AttachmentChange(Shape):
    """``attachment`` of PUT /attachments/{id}."""

    connector: dict[str, Any] = Field(min_length=1)


class AttachmentChangeBody(Shape):
    """Body of PUT /attachments/{id}."""

    attachment: AttachmentChange


class AttachmentSummary(Shape):
    """An attachment of a list."""

    id: str
    status: str
    instance: str | None
    volume_id: str


class AttachmentDetail(AttachmentSummary):
    """An attachment in full."""

    attached_at: str
    detached_at: str = ""
    attach_mode: str
    connection_info: dict[str, Any]


class AttachmentBody(Shape):
    """One attachment."""

    attachment: AttachmentDetail


class AttachmentsBody(Shape):
    """Attachments, the summary."""

    attachments: list[AttachmentSummary]
    attachments_links: list[dict[str, str]] = []


class AttachmentDetailsBody(Shape):
    """Attachments in full."""

    attachments: list[AttachmentDetail]
    attachments_links: list[dict[str, str]] = []


class NewInstance(Shape):
    """``instance`` of POST /instances."""

    model_config = ConfigDict(extra="forbid")
    name: Text
    initiator_name: str = ""
    user_data: str = ""
    network_config: str = ""
    id: str = ""
    project_id: Text = ""
    addresses: Annotated[list[str], Field(max_length=64)] = []


class InstanceChange(Shape):
    """``instance`` of PUT /instances/{id}."""

    model_config = ConfigDict(extra="forbid")
    addresses: Annotated[list[str], Field(max_length=64)]


class InstanceChangeBody(Shape):
    """Body of PUT /instances/{id}."""

    instance: InstanceChange


class NewInstanceBody(Shape):
    """Body of POST /instances."""

    instance: NewInstance


class InstanceDetail(Shape):
    """An instance; ``token`` in the answer to its creation and never again."""

    id: str
    name: str
    initiator_name: str
    created_at: str
    project_id: str = ""
    addresses: list[str] = []
    token: str | None = None
    attachments: list[AttachmentSummary] = []
    report: dict[str, Any] | None = None
    reported_at: str | None = None


class InstanceBody(Shape):
    """One instance."""

    instance: InstanceDetail


class InstancesBody(Shape):
    """All instances."""

    instances: list[InstanceDetail]


class TokenRequest(Shape):
    """Body of POST /instances/{id}/seed and …/token: ``revoke`` ends the older tokens."""

    model_config = ConfigDict(extra="forbid")
    revoke: bool = False


class SeedBody(Shape):
    """The files of a seed, and the instance's new token, which is in them, too."""

    files: dict[str, str]
    token: str


class TokenBody(Shape):
    """A token: a new one, or the one that POST /instances/{id}/revoke leaves."""

    token: str


def moment(text: str) -> str:
    """Cinder's times: UTC, and no word of it."""
    return text.removesuffix("+00:00")


def attachment_summary(attachment: Attachment) -> AttachmentSummary:
    """The list form."""
    return AttachmentSummary(**_summary(attachment))


def attachment_words(attachment: Attachment, connection: IscsiConnection | None, *, secrets: bool = False) -> dict[str, Any]:
    """`AttachmentDetail` as it is written, without a model: it is asked for by thousands. The secrets only in the answer to the
    one who connects, never in one that merely looks."""
    info: dict[str, Any] = {**connection.to_wire(), "attachment_id": attachment.id} if connection else {}
    if not secrets:
        info = {key: value for key, value in info.items() if not key.startswith("auth_password")}
    return {
        **_summary(attachment), "attached_at": moment(attachment.attached_at), "detached_at": "",
        "attach_mode": attachment.mode, "connection_info": info,
    }  # fmt: skip


def _summary(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": attachment.id, "status": attachment.status.value, "instance": attachment.instance_id or None,
        "volume_id": attachment.volume_id,
    }  # fmt: skip


def instance_detail(instance: Instance) -> InstanceDetail:
    """What the server knows of an instance."""
    return InstanceDetail(
        id=instance.id,
        name=instance.name,
        initiator_name=instance.initiator_name,
        created_at=moment(instance.created_at),
        project_id=instance.project_id,
        addresses=list(instance.addresses),
    )
