"""The listener for instances: an instance sees itself and nothing else (docs/protocol.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from blockstore import report
from blockstore.connector import Connector
from blockstore.reader import Faults, Reader
from metadata_server.api.body import Limit, json_of
from metadata_server.api.errors import HANDLERS
from metadata_server.api.identity import Resolver, bearer, identify
from metadata_server.domain.errors import Invalid
from metadata_server.engines import Engine
from metadata_server.workflow.services import Services

LONGEST_WAIT = 60.0
PRIVATE = {"Cache-Control": "no-store"}
DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")

Answer = Callable[[Request, str], Awaitable[Response]]


def application(services: Services, engine: Engine, resolvers: tuple[Resolver, ...] = ()) -> Starlette:
    """The ASGI application; ``resolvers`` come after the bearer token."""
    listener = _Listener(services, engine)
    ways = (bearer(services), *resolvers)

    def route(path: str, answer: Answer, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            return await answer(request, identify(request, ways))

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            route("/v1/attachments", listener.list, "GET"),
            route("/v1/attachments/{id}", listener.show, "GET"),
            route("/v1/attachments/{id}", listener.connect, "PUT"),
            route("/v1/attachments/{id}", listener.delete, "DELETE"),
            route("/v1/attachments/{id}/action", listener.act, "POST"),
            route("/v1/report", listener.report, "PUT"),
            *(route(f"/v1/{name}", listener.document, "GET") for name in DOCUMENTS),
        ],
        middleware=[Middleware(Limit)],
        exception_handlers=HANDLERS,
    )


class _Listener:
    """One method, one call; ``me`` is the instance that asks."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services, self._engine = services, engine

    async def document(self, request: Request, me: str) -> Response:
        name = request.url.path.rsplit("/", 1)[-1]
        text = self._services.seed(me, token=None).get(name)
        if text is None:
            raise HTTPException(404, f"this instance has no {name}")
        return PlainTextResponse(text, headers=PRIVATE)

    async def list(self, request: Request, me: str) -> Response:
        seconds = _seconds(request.query_params.get("wait", "0"))
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        body, tag = await self._listed(me)
        # An engine suspends nothing between reading and waiting, or remembers what it answered: no change is missed.
        if tag in known and seconds and await self._engine.wait(me, seconds):
            body, tag = await self._listed(me)
        headers = {**PRIVATE, "ETag": tag}
        if tag in known:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    async def show(self, request: Request, me: str) -> Response:
        found = await self._engine.attachment(request.path_params["id"], me)
        return JSONResponse({"attachment": found.to_wire()}, headers=PRIVATE)

    async def connect(self, request: Request, me: str) -> Response:
        faults = Faults()
        connector = Connector.parse(Reader(await json_of(request), faults).inner("attachment").inner("connector"))
        faults.raise_any()
        found = await self._engine.connect(request.path_params["id"], connector, me)
        info = {**found.connection.to_wire(), "attachment_id": found.id} if found.connection else {}
        return JSONResponse({"attachment": {**found.to_wire(), "connection_info": info}}, headers=PRIVATE)

    async def act(self, request: Request, me: str) -> Response:
        body = await json_of(request)
        if not isinstance(body, dict) or list(body) != ["os-complete"]:
            raise Invalid("the one action is os-complete")
        await self._engine.complete(request.path_params["id"], me)
        return Response(status_code=204)

    async def delete(self, request: Request, me: str) -> Response:
        await self._engine.release(request.path_params["id"], me)
        return Response((await self._listed(me))[0], media_type="application/json", headers=PRIVATE)

    async def report(self, request: Request, me: str) -> Response:
        await self._engine.heard(me, report.from_wire(await json_of(request)))
        return Response(status_code=204)

    async def _listed(self, me: str) -> tuple[bytes, str]:
        found = await self._engine.attachments(me)
        body = json.dumps({"attachments": [each.to_wire() for each in found]}, sort_keys=True).encode()
        return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _seconds(text: str) -> float:
    if not text.isdecimal():
        raise Invalid(f"wait is a number of seconds from 0 to {LONGEST_WAIT:.0f}")
    return min(float(text), LONGEST_WAIT)
