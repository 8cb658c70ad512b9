"""The listener for operators: Cinder's v3 beside ``/instances``; every call but the versions needs ``X-Auth-Token``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from blockstore import __version__
from blockstore.secret import Secret
from metadata_server.api import attachments, cinder, instances, overview, versions
from metadata_server.api import health as health_endpoint
from metadata_server.api.asking import authenticate
from metadata_server.api.body import Limit
from metadata_server.api.direct import Direct
from metadata_server.api.errors import HANDLERS, invalid
from metadata_server.engines import Engine, SharedServices
from metadata_server.workflow.health import Health
from metadata_server.workflow.services import Services


def application(
    services: SharedServices, token: Secret, health: Health, figures: Callable[[], bytes],
    *, engine: Engine, passing: tuple[APIRouter, ...] = (),
) -> ASGIApp:  # fmt: skip
    """The ASGI application. ``passing`` takes the place of the calls on volumes of our own; its last router has the rest."""
    app = FastAPI(
        title="blockstore",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(versions.SayVersion)],
        exception_handlers={**HANDLERS, RequestValidationError: invalid},
    )
    app.state.services, app.state.engine, app.state.token, app.state.health = services, engine, token, health
    app.add_route(health_endpoint.PATH, health_endpoint.endpoint(health), include_in_schema=False)
    app.add_route("/metrics", _metrics(figures), include_in_schema=False)
    app.add_api_route("/openapi.json", _described, dependencies=[Depends(authenticate)], include_in_schema=False)
    asked = [Depends(authenticate), Depends(versions.negotiate)]
    own = isinstance(services, Services)
    if own:
        # Routes are tried in turn: what boots wait for comes first.
        app.include_router(attachments.router, prefix="/v3", dependencies=asked)
    app.router.routes.extend(overview.routes(services, token, health))
    app.include_router(versions.router)
    app.include_router(instances.router, dependencies=[Depends(authenticate)])
    # Clients of microversions before 3.67 put a project into the path; here all volumes belong to one.
    prefixes = ("/v3", "/v3/{project}")
    for prefix in prefixes:
        for router in passing[:-1] or cinder.ROUTERS:
            if (router, prefix) != (attachments.router, "/v3"):
                app.include_router(router, prefix=prefix, dependencies=asked)
    if passing:
        app.include_router(passing[-1], prefix="/v3", dependencies=asked)
    return Limit(Direct(app, app, token) if own else app)


def _metrics(figures: Callable[[], bytes]) -> Callable[[Request], Awaitable[Response]]:
    async def metrics(_request: Request) -> Response:
        """Counts only, no name and no id, so that whoever collects them needs no operator's token."""
        return Response(figures(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return metrics


async def _described(request: Request) -> JSONResponse:
    """This listener's OpenAPI document."""
    # The first time it takes a second, and the others shall not wait for it.
    return JSONResponse(await run_in_threadpool(request.app.openapi))
