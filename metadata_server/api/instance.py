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
from metadata_server.api import session_token
from metadata_server.api.access import Access
from metadata_server.api.body import Limit, json_of
from metadata_server.api.errors import HANDLERS, Forbidden
from metadata_server.api.health import PATH, endpoint
from metadata_server.api.identity import Way, asked, identify
from metadata_server.api.waiting import Waits
from metadata_server.domain.errors import Invalid
from metadata_server.engines import Engine, SharedServices
from metadata_server.listening.connection import KEY
from metadata_server.listening.observed import ASKER, TEMPLATE
from metadata_server.workflow.health import Health

LONGEST_WAIT = 60.0
PRIVATE = {"Cache-Control": "no-store"}
DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")

Answer = Callable[[Request, str], Awaitable[Response]]


def application(services: SharedServices, engine: Engine, access: Access, health: Health) -> Starlette:
    """The ASGI application."""
    listener = _Listener(services, engine, access)
    instances = services.instances

    def route(path: str, answer: Answer, method: str, ways: tuple[Way, ...] = access.ways(instances)) -> Route:
        async def endpoint(request: Request) -> Response:
            request.scope[TEMPLATE] = path
            me = request.scope[ASKER] = identify(asked(request.scope), ways)
            return await answer(request, me)

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            Route(PATH, endpoint(health)),
            route("/latest/api/token", listener.token, "PUT", access.ways_to_a_token(instances)),
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

    def __init__(self, services: SharedServices, engine: Engine, access: Access) -> None:
        self._services, self._engine, self._access = services, engine, access
        self._waits = Waits(access.waits)

    async def token(self, request: Request, me: str) -> Response:
        """As IMDSv2 gives it (EC2 User Guide): the packets of this connection get no further than to the instance itself."""
        if self._access.tokens is None:
            raise Forbidden("session tokens are not in use here")
        given = session_token.seconds(asked(request.scope))
        connection = request.scope.get("state", {}).get(KEY)
        if connection is not None and self._access.proxies.of(asked(request.scope).address) is None:
            connection.limit_hops(self._access.hops)
        headers = {**PRIVATE, session_token.TTL: str(given)}
        return PlainTextResponse(self._access.tokens.make(me, given), headers=headers)

    async def document(self, request: Request, me: str) -> Response:
        name = request.url.path.rsplit("/", 1)[-1]
        text = self._services.document(me, name)
        if text is None:
            raise HTTPException(404, f"this instance has no {name}")
        return PlainTextResponse(text, headers=PRIVATE)

    async def list(self, request: Request, me: str) -> Response:
        seconds = _seconds(request.query_params.get("wait", "0"))
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        body, tag = await self._listed(me)
        # An engine suspends nothing between reading and waiting, or remembers what it answered: no change is missed.
        if tag in known and seconds:
            request.scope[TEMPLATE] = "/v1/attachments?wait"  # its time says nothing about ours
            if await self._waits.hold(request, me, self._engine.wait(me, seconds)):
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
