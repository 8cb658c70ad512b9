"""Volumes and snapshots in Cinder's v3 shapes (Block Storage API reference), as pydantic models."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import ConfigDict, Field

from metadata_server.api.paging import links
from metadata_server.api.shapes import Shape, Text, moment
from metadata_server.api.versions import version_of
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.volume import Volume, status
from metadata_server.domain.volume_type import type_id

# Everything here belongs to one project and one user, in one zone.
PROJECT, USER, ZONE, HOST = "blockstore", "operator", "nova", "blockstore"


class NewVolume(Shape):
    """``volume`` of POST /volumes; what is not kept here is refused when it asks for something."""

    model_config = ConfigDict(extra="allow")
    size: int | None = None
    name: Text | None = None
    description: Text | None = None
    metadata: dict[str, str] | None = None
    volume_type: Text | None = None
    snapshot_id: str | None = None
    source_volid: str | None = None
    availability_zone: str | None = None
    multiattach: bool = False


class NewVolumeBody(Shape):
    """Body of POST /volumes."""

    volume: NewVolume


class Change(Shape):
    """What PUT may change: of a volume, of a snapshot."""

    name: Text | None = None
    description: Text | None = None
    display_name: Text | None = None
    display_description: Text | None = None
    metadata: dict[str, str] | None = None

    @property
    def words(self) -> dict[str, str | None]:
        """Name and description, by whichever of their names they came."""
        return {"name": self.name or self.display_name, "description": self.description or self.display_description}


class VolumeChangeBody(Shape):
    """Body of PUT /volumes/{id}."""

    volume: Change


class VolumeAttachment(Shape):
    """An attachment inside a volume."""

    id: str
    attachment_id: str
    volume_id: str
    server_id: str
    host_name: str | None
    device: str | None
    attached_at: str | None


class VolumeSummary(Shape):
    """A volume of GET /volumes."""

    id: str
    name: str
    links: list[dict[str, str]]


class VolumeDetail(VolumeSummary):
    """A volume in full. What came with a later microversion than was asked for is left out."""

    status: str
    size: int
    description: str | None
    metadata: dict[str, str]
    created_at: str
    updated_at: str | None
    attachments: list[VolumeAttachment]
    blank: bool = Field(serialization_alias="blockstore:blank")
    availability_zone: str
    volume_type: str | None
    snapshot_id: str | None
    source_volid: str | None
    bootable: str
    encrypted: bool
    multiattach: bool
    replication_status: str | None
    consistencygroup_id: str | None
    migration_status: str | None
    user_id: str | None
    tenant_id: str | None = Field(None, serialization_alias="os-vol-tenant-attr:tenant_id")
    migstat: str | None = Field(None, serialization_alias="os-vol-mig-status-attr:migstat")
    name_id: str | None = Field(None, serialization_alias="os-vol-mig-status-attr:name_id")
    host: str | None = Field(None, serialization_alias="os-vol-host-attr:host")
    group_id: str | None = None
    provider_id: str | None = None
    shared_targets: bool | None = None
    service_uuid: str | None = None
    cluster_name: str | None = None
    volume_type_id: str | None = None
    consumes_quota: bool | None = None


# Key -> the microversion that brought it.
_SINCE = {
    "group_id": (3, 13), "provider_id": (3, 21), "shared_targets": (3, 48), "service_uuid": (3, 48), "cluster_name": (3, 61),
    "volume_type_id": (3, 63), "consumes_quota": (3, 65),
}  # fmt: skip


class VolumeBody(Shape):
    """One volume."""

    volume: VolumeDetail


class VolumesBody(Shape):
    """Volumes, by id and name only."""

    volumes: list[VolumeSummary]
    volumes_links: list[dict[str, str]] = []
    count: int = 0


class VolumeDetailsBody(Shape):
    """Volumes in full."""

    volumes: list[VolumeDetail]
    volumes_links: list[dict[str, str]] = []
    count: int = 0


def volume_summary(request: Request, volume: Volume) -> VolumeSummary:
    """By id and name only."""
    return VolumeSummary(id=volume.id, name=volume.name, links=links(request, "volumes", volume.id))


def volume_detail(request: Request, volume: Volume, attachments: tuple[Attachment, ...]) -> VolumeDetail:
    """A volume in full, as this request's microversion has it."""
    version = version_of(request)
    values: dict[str, Any] = {
        "id": volume.id, "name": volume.name, "links": links(request, "volumes", volume.id),
        "status": status(volume, (each.status for each in attachments)), "size": volume.size,
        "description": volume.description or None, "metadata": shown_metadata(volume), "blank": volume.blank,
        "created_at": moment(volume.created_at), "updated_at": moment(volume.updated_at),
        "attachments": [_attachment(each) for each in attachments if each.attached_at], "availability_zone": ZONE,
        "volume_type": volume.volume_type, "volume_type_id": type_id(volume.volume_type),
        "snapshot_id": volume.snapshot_id or None, "source_volid": volume.source_volid or None,
        "bootable": str(volume.bootable).lower(), "encrypted": False, "multiattach": False, "replication_status": None,
        "consistencygroup_id": None, "migration_status": None, "user_id": USER, "tenant_id": PROJECT, "migstat": None,
        "name_id": None, "host": f"{HOST}@{volume.volume_type}#{volume.volume_type}", "group_id": None, "provider_id": None,
        "shared_targets": False, "service_uuid": None, "cluster_name": None, "consumes_quota": True,
    }  # fmt: skip
    return VolumeDetail(**{key: value for key, value in values.items() if _SINCE.get(key, version) <= version})


def shown_metadata(volume: Volume) -> dict[str, str]:
    """Its metadata, and Cinder's word for a volume that nobody may write to."""
    return {**volume.metadata, **({"readonly": "True"} if volume.readonly else {})}


def _attachment(attachment: Attachment) -> VolumeAttachment:
    connector = attachment.connector
    return VolumeAttachment(
        id=attachment.volume_id, attachment_id=attachment.id, volume_id=attachment.volume_id, server_id=attachment.instance_id,
        host_name=(connector.host or None) if connector else None, device=(connector.mountpoint or "na") if connector else "na",
        attached_at=moment(attachment.attached_at) or None,
    )  # fmt: skip
