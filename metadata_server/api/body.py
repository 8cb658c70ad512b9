"""Reading a request's body: JSON, and no more of it than is right."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metadata_server.api.errors import TooLarge, fault
from metadata_server.domain.errors import Invalid

# A report of 512 volumes with all its steps has some 200 KiB.
LARGEST = 512 * 1024


async def json_of(request: Request) -> object:
    """The body as JSON; None where it is empty. Raises `Invalid`."""
    raw = await request.body()
    try:
        return json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None


class LimitBody:
    """Ends a request whose body is too large, before all of it was read."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._largest:
            await fault(413, f"the body has more than {self._largest} bytes")(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._largest:
                raise TooLarge(f"the body has more than {self._largest} bytes")
            return message

        await self._app(scope, counted, send)
