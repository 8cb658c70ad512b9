"""Limits and quotas: one set for all, since all volumes belong to one project."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from metadata_server.api.asking import services_of
from metadata_server.api.shapes import Shape
from metadata_server.domain.errors import Invalid

router = APIRouter()

# What clients send along with the limits.
_NO_LIMITS = ("id", "tenant_id", "project_id", "skip_validation", "force")


class QuotaBody(Shape):
    """Limits by resource; with ``usage=true`` each with how much there is."""

    quota_set: dict[str, Any]


@router.get("/limits")
async def limits(request: Request) -> dict[str, Any]:
    """The limits, and how much of them is used."""
    quotas = services_of(request).quotas
    all_limits, usage = quotas.all(), quotas.usage()
    absolute = {
        "maxTotalVolumes": all_limits["volumes"], "totalVolumesUsed": usage.of("volumes"),
        "maxTotalSnapshots": all_limits["snapshots"], "totalSnapshotsUsed": usage.of("snapshots"),
        "maxTotalVolumeGigabytes": all_limits["gigabytes"], "totalGigabytesUsed": usage.of("gigabytes"),
        "maxTotalBackups": all_limits["backups"], "totalBackupsUsed": 0,
        "maxTotalBackupGigabytes": all_limits["backup_gigabytes"], "totalBackupGigabytesUsed": 0,
    }  # fmt: skip
    return {"limits": {"rate": [], "absolute": absolute}}


@router.get("/os-quota-sets/{whose}")
async def show(request: Request, whose: str, usage: Annotated[bool, Query()] = False) -> QuotaBody:
    """The limits."""
    quotas = services_of(request).quotas
    if not usage:
        return QuotaBody(quota_set={"id": whose, **quotas.all()})
    used = quotas.usage()
    found = {key: {"limit": limit, "in_use": used.of(key), "reserved": 0} for key, limit in quotas.all().items()}
    return QuotaBody(quota_set={"id": whose, **found})


@router.get("/os-quota-sets/{whose}/defaults")
async def defaults(request: Request, whose: str) -> QuotaBody:
    """What holds where nothing was set: no limit."""
    return QuotaBody(quota_set={"id": whose, **services_of(request).quotas.defaults})


@router.put("/os-quota-sets/{whose}")
async def change(request: Request, whose: str, body: QuotaBody) -> QuotaBody:
    """Set some; -1 is no limit."""
    wanted = {key: _limit(key, value) for key, value in body.quota_set.items() if key not in _NO_LIMITS}
    return QuotaBody(quota_set=services_of(request).quotas.set(wanted))


@router.delete("/os-quota-sets/{whose}")
async def delete(request: Request, whose: str) -> Response:
    """Back to no limits."""
    services_of(request).quotas.clear()
    return Response(status_code=200)


def _limit(key: str, value: object) -> int:
    text = str(value)
    if isinstance(value, (bool, float)) or not (text.removeprefix("-").isdecimal() and len(text) < 12):
        raise Invalid(f"{key}: must be a whole number")
    return int(text)
