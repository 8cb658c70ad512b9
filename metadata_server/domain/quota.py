"""Quotas: how much there may be, and what Cinder says where it would be more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from metadata_server.domain.errors import Invalid, OverLimit

UNLIMITED = -1
# Cinder's words. What is not kept here (backups, groups) can have a limit and is never used.
RESOURCES = ("volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes", "groups")
# Of each type: volumes_fast, snapshots_fast, gigabytes_fast.
BY_TYPE = ("volumes", "snapshots", "gigabytes")
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Usage:
    """How much there is: by resource, and by ``resource_type``."""

    used: Mapping[str, int] = field(default_factory=dict)

    def of(self, resource: str) -> int:
        """0 where nothing is."""
        return self.used.get(resource, 0)


def resources(types: tuple[str, ...]) -> tuple[str, ...]:
    """All that can have a limit."""
    return (*RESOURCES, *(f"{resource}_{name}" for name in types for resource in BY_TYPE))


def check_limits(limits: Mapping[str, int], types: tuple[str, ...]) -> None:
    """Raises `Invalid` for limits that cannot be set."""
    known = resources(types)
    for resource, limit in limits.items():
        if resource not in known:
            raise Invalid(f"there is no quota of {resource!r}; there are {', '.join(known)}")
        if not UNLIMITED <= limit <= LARGEST:
            raise Invalid(f"the quota of {resource} must be from {UNLIMITED} (no limit) to {LARGEST}, not {limit}")


def check(limits: Mapping[str, int], usage: Usage, asked: Mapping[str, int], volume_type: str) -> None:
    """Raises `OverLimit` in Cinder's words where ``asked`` (volumes, snapshots, gigabytes) does not fit any more."""
    for resource, more in asked.items():
        for name in (resource, f"{resource}_{volume_type}"):
            limit = limits.get(name, UNLIMITED)
            if limit != UNLIMITED and more > 0 and usage.of(name) + more > limit:
                raise OverLimit(_exceeded(name, limit, usage.of(name), more))


def check_size(limits: Mapping[str, int], size: int) -> None:
    """Raises `OverLimit` for one volume that is too large on its own."""
    limit = limits.get("per_volume_gigabytes", UNLIMITED)
    if limit not in (UNLIMITED, 0) and size > limit:
        raise OverLimit(f"VolumeSizeExceedsLimit: Requested volume size {size}G is larger than maximum allowed limit {limit}G.")


def _exceeded(name: str, limit: int, used: int, more: int) -> str:
    if name.startswith("gigabytes"):
        return (
            f"VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed {name} quota. "
            f"Requested {more}G, quota is {limit}G and {used}G has been consumed."
        )
    kind = "Snapshot" if name.startswith("snapshots") else "Volume"
    return f"{kind}LimitExceeded: Maximum number of {kind.lower()}s allowed ({limit}) exceeded for quota '{name}'."
