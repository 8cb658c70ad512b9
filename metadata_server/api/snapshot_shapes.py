"""Snapshots in Cinder's v3 shapes (Block Storage API reference), as pydantic models."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import ConfigDict, Field

from metadata_server.api.shapes import Shape, Text, moment
from metadata_server.api.versions import version_of
from metadata_server.api.volume_shapes import PROJECT, USER, Change
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import SnapshotStatus


class NewSnapshot(Shape):
    """``snapshot`` of POST /snapshots."""

    model_config = ConfigDict(extra="forbid")
    volume_id: str
    name: Text | None = None
    description: Text | None = None
    metadata: dict[str, str] | None = None
    force: bool | None = None


class NewSnapshotBody(Shape):
    """Body of POST /snapshots."""

    snapshot: NewSnapshot


class SnapshotChangeBody(Shape):
    """Body of PUT /snapshots/{id}."""

    snapshot: Change


class SnapshotSummary(Shape):
    """A snapshot of GET /snapshots. What came with a later microversion than was asked for is left out."""

    id: str
    name: str
    description: str | None
    volume_id: str
    status: str
    size: int
    metadata: dict[str, str]
    created_at: str
    updated_at: str | None
    user_id: str | None = None
    consumes_quota: bool | None = None


class SnapshotDetail(SnapshotSummary):
    """A snapshot in full."""

    progress: str = Field(serialization_alias="os-extended-snapshot-attributes:progress")
    project_id: str = Field(serialization_alias="os-extended-snapshot-attributes:project_id")
    group_snapshot_id: str | None = None


_SINCE = {"group_snapshot_id": (3, 14), "user_id": (3, 41), "consumes_quota": (3, 65)}


class SnapshotBody(Shape):
    """One snapshot in full."""

    snapshot: SnapshotDetail


class SnapshotSummaryBody(Shape):
    """One snapshot."""

    snapshot: SnapshotSummary


class SnapshotsBody(Shape):
    """Snapshots, the summary."""

    snapshots: list[SnapshotSummary]
    snapshots_links: list[dict[str, str]] = []
    count: int = 0


class SnapshotDetailsBody(Shape):
    """Snapshots in full."""

    snapshots: list[SnapshotDetail]
    snapshots_links: list[dict[str, str]] = []
    count: int = 0


def snapshot_summary(request: Request, snapshot: Snapshot) -> SnapshotSummary:
    """As this request's microversion has it."""
    values: dict[str, Any] = {
        "id": snapshot.id, "name": snapshot.name, "description": snapshot.description or None, "volume_id": snapshot.volume_id,
        "status": snapshot.status.value, "size": snapshot.size, "metadata": dict(snapshot.metadata),
        "created_at": moment(snapshot.created_at), "updated_at": moment(snapshot.updated_at),
        **_since(request, {"user_id": USER, "consumes_quota": True}),
    }  # fmt: skip
    return SnapshotSummary(**values)


def snapshot_detail(request: Request, snapshot: Snapshot) -> SnapshotDetail:
    """In full."""
    done = snapshot.status in (SnapshotStatus.AVAILABLE, SnapshotStatus.RESTORING)
    return SnapshotDetail(
        **snapshot_summary(request, snapshot).model_dump(exclude_unset=True, by_alias=False),
        progress="100%" if done else "0%", project_id=PROJECT, **_since(request, {"group_snapshot_id": None}),
    )  # fmt: skip


def _since(request: Request, values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if _SINCE[key] <= version_of(request)}
