"""The operator's documents where another service owns the volumes, in Cinder's shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from metadata_server.domain import passed as domain
from metadata_server.domain.passed import Content, Known, Passed, SeenAttachment


class Shape(BaseModel):
    """Keys with a colon are ours beside Cinder's."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class NewVolume(Shape):
    """``volume`` of POST /volumes; everything else that Cinder takes is asked of Cinder itself."""

    model_config = ConfigDict(extra="forbid")
    size: int | None = Field(None, ge=1)
    name: str | None = Field(None, max_length=255)
    description: str | None = Field(None, max_length=255)
    volume_type: str | None = Field(None, max_length=255)
    snapshot_id: str | None = None
    source_volid: str | None = None
    metadata: dict[str, str] | None = None

    def wish(self) -> domain.NewVolume:
        """What was said of it."""
        said = self.model_dump(exclude_none=True)
        return domain.NewVolume(**{"name": "", **said})


class NewVolumeBody(Shape):
    """Body of POST /volumes."""

    volume: NewVolume


class NewAttachment(Shape):
    """``attachment`` of POST /attachments. ``blockstore:blank``: the operator says that nobody ever wrote to the volume."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    volume_uuid: str = Field(pattern=r"^[0-9A-Za-z-]{1,64}$")
    instance_uuid: str
    mode: str | None = None
    mutual_chap: bool = Field(False, alias="blockstore:mutual_chap")
    blank: bool = Field(False, alias="blockstore:blank")


class NewAttachmentBody(Shape):
    """Body of POST /attachments."""

    attachment: NewAttachment


def volume(known: Known) -> dict[str, Any]:
    """A volume in full."""
    seen, one = known.volume, known.attachment
    attached = [{
        "id": seen.id, "attachment_id": one.attachment_id, "volume_id": seen.id, "server_id": one.instance_id,
        "host_name": None, "device": None, "attached_at": None,
    }] if one and one.attachment_id else []  # fmt: skip
    return {
        "id": seen.id, "name": seen.name, "status": seen.status, "size": seen.size, "description": seen.description or None,
        "metadata": dict(seen.metadata), "volume_type": seen.volume_type or None,
        "created_at": seen.created_at, "updated_at": seen.updated_at or None,
        "attachments": attached, "multiattach": seen.multiattach, "encrypted": seen.encrypted,
        "blockstore:blank": known.content is Content.BLANK, "blockstore:content": known.content.value, "links": [],
    }  # fmt: skip


def attachment_summary(one: Passed, status: str) -> dict[str, Any]:
    """The list form."""
    return {"id": one.attachment_id, "status": status, "instance": one.instance_id, "volume_id": one.volume_id}


def attachment(one: Passed, status: str, info: Mapping[str, object] | None = None) -> dict[str, Any]:
    """In full; who merely looks sees no secret."""
    shown = {key: value for key, value in (info or {}).items() if "password" not in key}
    return {**attachment_summary(one, status), "attach_mode": one.mode, "connection_info": shown}


def status(one: Passed, seen: SeenAttachment) -> str:
    """Cinder has no word for an attachment that is asked to go; its volume says it."""
    return "detaching" if one.detaching or one.released else seen.status
