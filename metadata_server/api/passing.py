"""The operator's calls where another service owns the volumes: what `blockstore-server` needs is passed on, the rest is that
service's own to answer."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from metadata_server.api import passing_shapes as shapes
from metadata_server.api.errors import fault
from metadata_server.domain.errors import Invalid
from metadata_server.domain.passed import Passed
from metadata_server.engines import VolumeService
from metadata_server.workflow import changes
from metadata_server.workflow.changes import Changes

Document = dict[str, Any]
NOT_HERE = (
    "The volumes are Cinder's. This server passes the plain life of a volume and attachments of its instances on to it; "
    "ask Cinder itself for everything else (openstack volume ...)."
)


def router(service: VolumeService, changed: Changes) -> APIRouter:
    """The calls that are passed on."""
    calls, found = _Calls(service, changed), APIRouter()
    found.get("/volumes")(calls.volumes)
    found.get("/volumes/detail")(calls.volumes)
    found.post("/volumes", status_code=202)(calls.create_volume)
    found.get("/volumes/{identifier}")(calls.volume)
    found.delete("/volumes/{identifier}", status_code=202)(calls.delete_volume)
    found.post("/volumes/{identifier}/action", status_code=202)(calls.act)
    found.get("/attachments")(calls.attachments)
    found.get("/attachments/detail")(calls.attachments)
    found.post("/attachments")(calls.reserve)
    found.get("/attachments/{identifier}")(calls.attachment)
    found.delete("/attachments/{identifier}")(calls.release)
    return found


def elsewhere() -> APIRouter:
    """Everything else below /v3."""
    found = APIRouter()
    found.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "DELETE"], include_in_schema=False)(_not_here)
    return found


async def _not_here(rest: str) -> Response:
    return fault(501, NOT_HERE)


class _Calls:
    """One method, one call."""

    def __init__(self, service: VolumeService, changed: Changes) -> None:
        self._service, self._changes = service, changed

    async def volumes(self, request: Request) -> Document:
        """All, in full; filters ``name`` and ``status``."""
        wanted = {key: value for key, value in request.query_params.items() if key in ("name", "status")}
        found = [shapes.volume(each) for each in await self._service.volumes()]
        return {"volumes": [each for each in found if all(each[key] == value for key, value in wanted.items())]}

    async def volume(self, identifier: str) -> Document:
        """One."""
        return {"volume": shapes.volume(await self._service.volume(identifier))}

    async def create_volume(self, body: shapes.NewVolumeBody) -> Document:
        """One that is made of nothing is known to be blank."""
        found = await self._service.create_volume(body.volume.wish())
        return {"volume": shapes.volume(found)}

    async def delete_volume(self, identifier: str) -> Response:
        """Destroy it."""
        await self._service.delete_volume(identifier)
        return Response(status_code=202)

    async def act(self, identifier: str, body: Annotated[dict[str, Any], Body()]) -> Response:
        """os-extend, os-begin_detaching, os-roll_detaching."""
        name = next(iter(body), "")
        if len(body) != 1 or name not in ("os-extend", "os-begin_detaching", "os-roll_detaching"):
            return fault(501, NOT_HERE)
        if name == "os-extend":
            size = body[name].get("new_size") if isinstance(body[name], dict) else None
            if isinstance(size, bool) or not isinstance(size, int):
                raise Invalid("os-extend needs new_size, a whole number of GiB")
            await self._service.extend(identifier, size)
            return Response(status_code=202)
        one = (await self._service.volume(identifier)).attachment
        if one is None or not one.attachment_id:
            raise Invalid(f"Volume {identifier} is not attached through this server.")
        await (self._service.detach if name == "os-begin_detaching" else self._service.keep)(one.attachment_id)
        return Response(status_code=202)

    async def attachments(self, request: Request) -> Document:
        """Those that were reserved through this server; filters as Cinder has them."""
        query = request.query_params
        wanted = {key: query[key] for key in ("volume_id", "instance_id", "status") if key in query}
        found = [shapes.attachment_summary(one, shapes.status(one, seen)) for one, seen in await self._service.attachments()]
        names = {"instance_id": "instance"}
        return {"attachments": [each for each in found if all(each[names.get(k, k)] == v for k, v in wanted.items())]}

    async def reserve(self, body: shapes.NewAttachmentBody) -> Document:
        """For one of this server's instances."""
        wish = body.attachment
        if wish.mutual_chap:
            raise Invalid("Cinder has no mutual CHAP.")
        one = await self._service.reserve(wish.volume_uuid, wish.instance_uuid, wish.mode or "rw", vouched=wish.blank)
        return {"attachment": shapes.attachment(one, "reserved")}

    async def attachment(self, identifier: str, wait: Annotated[int, Query(ge=0, le=60)] = 0, status: str = "") -> Document:
        """One, without its secret. With ``wait`` the answer is held while its status is ``status``."""
        one, seen, info = await self._service.attachment(identifier)
        if wait and shapes.status(one, seen) == status:
            await self._changes.wait(changes.attachment(identifier), wait)
            one, seen, info = await self._service.attachment(identifier)
        return {"attachment": shapes.attachment(one, shapes.status(one, seen), info)}

    async def release(self, identifier: str) -> Document:
        """At once, whatever the instance does."""
        one: Passed = await self._service.release(identifier)
        remaining = [pair for pair in await self._service.attachments() if pair[0].volume_id == one.volume_id]
        return {"attachments": [shapes.attachment_summary(*pair[:1], shapes.status(*pair)) for pair in remaining]}
