"""Actions on volumes (POST /volumes/{id}/action): a registry, one line each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from blockstore.reader import Faults, Reader
from metadata_server.api.asking import services_of
from metadata_server.api.versions import EXTEND_IN_USE, LOWEST, REVERT, Version, version_of
from metadata_server.domain.errors import Invalid
from metadata_server.domain.volume import status
from metadata_server.workflow.volume_jobs import of_volume


@dataclass(frozen=True)
class Action:
    """``since`` is the microversion that brought it, ``code`` the answer's."""

    answer: Callable[[Request, str, object], Awaitable[None]]
    since: Version = LOWEST
    code: int = 202


def _read(argument: object, ask: Callable[[Reader], Any]) -> Any:
    faults = Faults()
    found = ask(Reader(argument, faults))
    faults.raise_any()
    if found is None:
        raise Invalid("the action's argument is missing")
    return found


async def _extend(request: Request, identifier: str, argument: object) -> None:
    size = _read(argument, lambda reader: reader.integer("new_size", least=1))
    services = services_of(request)
    volume, attachments = services.volumes.get(identifier)
    now = status(volume, (each.status for each in attachments))
    if attachments and version_of(request) < EXTEND_IN_USE:
        raise Invalid(f"Volume {identifier} status must be 'available' to extend, but is {now}; since 3.42 it may be in use.")
    services.volumes.extend(identifier, size)
    await services.jobs.hear(of_volume(identifier))


async def _revert(request: Request, identifier: str, argument: object) -> None:
    snapshot = _read(argument, lambda reader: reader.text("snapshot_id"))
    services = services_of(request)
    services.snapshots.revert(identifier, snapshot)
    await services.jobs.hear(of_volume(identifier))


async def _reset(request: Request, identifier: str, argument: object) -> None:
    services_of(request).volumes.reset(identifier, _read(argument, lambda reader: reader.text("status")))


async def _force_delete(request: Request, identifier: str, _argument: object) -> None:
    services = services_of(request)
    services.volumes.delete(identifier, force=True)
    await services.jobs.hear(of_volume(identifier))


async def _set_bootable(request: Request, identifier: str, argument: object) -> None:
    services = services_of(request)
    services.volumes.get(identifier)
    services.volumes.flag(identifier, bootable=_truth(argument, "bootable"))


async def _set_readonly(request: Request, identifier: str, argument: object) -> None:
    services = services_of(request)
    services.volumes.get(identifier)
    services.volumes.flag(identifier, readonly=_truth(argument, "readonly"))


def _truth(argument: object, key: str) -> bool:
    """Clients send true, and "True"."""
    value = argument.get(key) if isinstance(argument, Mapping) else None
    words = {"true": True, "1": True, "false": False, "0": False}
    if str(value).lower() not in words:
        raise Invalid(f"{key} must be true or false")
    return words[str(value).lower()]


async def _ask_to_detach(request: Request, identifier: str, _argument: object) -> None:
    for attachment in _attachments(request, identifier):
        services_of(request).attachments.detach(attachment)


async def _keep(request: Request, identifier: str, _argument: object) -> None:
    for attachment in _attachments(request, identifier):
        services_of(request).attachments.keep(attachment)


def _attachments(request: Request, identifier: str) -> tuple[str, ...]:
    _, attachments = services_of(request).volumes.get(identifier)
    if not attachments:
        raise Invalid(f"Volume {identifier} is not attached.")
    return tuple(each.id for each in attachments)


ACTIONS: Mapping[str, Action] = {
    "os-extend": Action(_extend),
    "revert": Action(_revert, REVERT),
    "os-reset_status": Action(_reset),
    "os-force_delete": Action(_force_delete),
    "os-set_bootable": Action(_set_bootable, code=200),
    "os-update_readonly_flag": Action(_set_readonly),
    "os-begin_detaching": Action(_ask_to_detach),
    "os-roll_detaching": Action(_keep),
}
