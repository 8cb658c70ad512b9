"""What clients ask of a Cinder before they ask for volumes: zones, services, pools, extensions, filters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from metadata_server.api.asking import services_of
from metadata_server.api.paging import ATTACHMENT_FILTERS, SNAPSHOT_FILTERS, VOLUME_FILTERS
from metadata_server.api.versions import RESOURCE_FILTERS, need
from metadata_server.api.volume_shapes import HOST, ZONE

router = APIRouter()


@router.get("/os-availability-zone")
async def zones() -> dict[str, Any]:
    """The one zone."""
    return {"availabilityZoneInfo": [{"zoneName": ZONE, "zoneState": {"available": True}}]}


@router.get("/os-services")
async def services(request: Request) -> dict[str, Any]:
    """One for each backend, up since it answers."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {
        "services": [
            {
                "binary": "cinder-volume", "host": f"{HOST}@{each.name}", "zone": ZONE, "status": "enabled", "state": "up",
                "updated_at": now, "disabled_reason": None, "frozen": False, "replication_status": "disabled",
                "active_backend_id": None,
            }
            for each in services_of(request).types
        ]
    }  # fmt: skip


@router.get("/scheduler-stats/get_pools")
async def pools(request: Request, detail: bool = False) -> dict[str, Any]:
    """One for each backend."""
    return {
        "pools": [
            {
                "name": f"{HOST}@{each.name}#{each.name}",
                **({"capabilities": {"volume_backend_name": each.name, "storage_protocol": "iSCSI"}} if detail else {}),
            }
            for each in services_of(request).types
        ]
    }


@router.get("/extensions")
async def extensions() -> dict[str, Any]:
    """None."""
    return {"extensions": []}


@router.get("/resource_filters")
async def resource_filters(request: Request) -> dict[str, Any]:
    """By what lists may be filtered."""
    need(request, RESOURCE_FILTERS)
    known = {"volume": VOLUME_FILTERS, "snapshot": SNAPSHOT_FILTERS, "attachment": ATTACHMENT_FILTERS}
    return {"resource_filters": [{"resource": name, "filters": list(filters)} for name, filters in known.items()]}
