"""What is noted of every request: an id that the caller gets too, a line in the log, a count and a time.

Pure ASGI, and as little as can be: an instance's boot waits for it.
"""

from __future__ import annotations

import itertools
import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metadata_server.listening.figures import Figures
from metadata_server.listening.log import REQUEST, event

LOG = logging.getLogger(__name__)

HEADER = b"x-openstack-request-id"
# oslo.middleware's form; anything else is replaced, so that nobody writes into our log.
_ID = re.compile(rb"req-[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Where an application leaves the route's template and who asked.
TEMPLATE, ASKER = "template", "asker"
NO_ROUTE = "(none)"
FAULT = b'{"computeFault": {"code": 500, "message": "The server has made a mistake; its log says more."}}'


# Comes back when everything that was committed lasts.
Settled = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Where every commit lasts."""


class Observed:
    """Around one listener's application. No answer leaves before ``settled``: nobody is told what a power cut could undo."""

    def __init__(self, app: ASGIApp, figures: Figures, listener: str, settled: Settled = at_once) -> None:
        self._settled = settled
        self._app, self._times, self._listener = app, figures.times(listener), listener
        # Drawing a UUID for every request takes longer than all the rest of this; 74 bits of chance are drawn once.
        self._prefix, self._numbers = b"req-%b" % str(uuid.uuid4()).encode()[:-12], itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 0
        name = self._identifier(scope)
        REQUEST.set(name.decode())

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                await self._settled()
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER, name)]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            LOG.exception("a mistake of ours")
            if not status:
                await _fault(answer)
        finally:
            self._note(scope, status, perf_counter() - begun)

    def _identifier(self, scope: Scope) -> bytes:
        """The caller's, where it has the right form; else one that no other process makes, and this one once."""
        given = dict(scope["headers"]).get(HEADER)
        if given is not None and _ID.fullmatch(given):
            return bytes(given)
        return b"%b%012x" % (self._prefix, next(self._numbers))

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        template = _template(scope)
        method = scope["method"] if template != NO_ROUTE else NO_ROUTE
        self._times.add(method, template, status, seconds)
        level = logging.DEBUG if status < 400 and scope["method"] in ("GET", "HEAD") else logging.INFO
        if LOG.isEnabledFor(level):
            fields = {
                "listener": self._listener, "method": method, "route": template, "status": status,
                "ms": round(seconds * 1000, 2), "client": (scope.get("client") or ("",))[0],
            }  # fmt: skip
            if scope.get(ASKER):
                fields["instance"] = scope[ASKER]
            event(LOG, level, "answered", fields)


def _template(scope: Scope) -> str:
    """The route as it is written, ``/v3/volumes/{id}``: never what somebody put into its place."""
    if TEMPLATE in scope:
        return str(scope[TEMPLATE])
    if "endpoint" not in scope:
        return NO_ROUTE
    names = {str(value): name for name, value in scope.get("path_params", {}).items()}
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in scope["path"].split("/"))


async def _fault(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(FAULT))]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": FAULT})
