"""``/healthz`` of both listeners, for load balancers and monitors: nobody needs a token, and nothing is told but what works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from metadata_server.workflow.health import Health

PATH = "/healthz"


def endpoint(health: Health) -> Callable[[Request], Awaitable[Response]]:
    """200 where all works, else 503."""

    async def healthz(_request: Request) -> Response:
        seen = health.look()
        words = {name: "ok" if works else "failed" for name, works in seen.items()}
        well = all(seen.values())
        body = {"status": "ok" if well else "failed", **words}
        return JSONResponse(body, 200 if well else 503, {"Cache-Control": "no-store"})

    return healthz
