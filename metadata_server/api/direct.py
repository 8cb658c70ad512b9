"""What boots wait for, before FastAPI: its routes, dependencies and middlewares cost more than there is to do.

The endpoints are those of `metadata_server.api.attachments`; what is not plain (a query, a body that is not said to be JSON) is
left to FastAPI's routes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from blockstore.errors import BlockstoreError
from blockstore.secret import Secret
from metadata_server.api import attachments, shapes, versions
from metadata_server.api.asking import check
from metadata_server.api.body import as_json
from metadata_server.api.errors import invalid, refused
from metadata_server.listening.observed import TEMPLATE

_SAID = (b"content-type", b"application/json")
_TOKEN, _VERSION = b"x-auth-token", versions.HEADER.lower().encode()
_ALL, _ONE = "/v3/attachments", "/v3/attachments/{identifier}"
_PATH = re.compile(r"/v3/attachments(?:/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(/action)?)?")


@dataclass(frozen=True)
class Call:
    """One of the endpoints; ``body`` is what it takes."""

    method: str
    path: str
    endpoint: Callable[..., Awaitable[dict[str, Any] | Response]]
    body: TypeAdapter[Any] | None = None


CALLS: Mapping[tuple[str, str], Call] = {
    (call.method, call.path): call
    for call in (
        Call("GET", _ONE, attachments.show),
        Call("POST", _ALL, attachments.create, TypeAdapter(shapes.NewAttachmentBody)),
        Call("PUT", _ONE, attachments.connect, TypeAdapter(shapes.AttachmentChangeBody)),
        Call("POST", f"{_ONE}/action", attachments.act, TypeAdapter(dict[str, Any])),
        Call("DELETE", _ONE, attachments.delete),
    )
}


class Direct:
    """Answers what is plain, and gives the rest to ``app`` (ASGI)."""

    def __init__(self, app: ASGIApp, asked: object, token: Secret) -> None:
        """``asked`` is what a request finds as its application, ``token`` the operators'."""
        self._app, self._asked, self._token = app, asked, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        call, words = _call(scope) if scope["type"] == "http" else (None, {})
        if call is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope[TEMPLATE] = self._asked, call.path
        request = Request(scope, receive)
        try:
            self._agree(scope)
            if call.body is not None:
                words["body"] = _checked(await _body(receive), call.body)
            found = await call.endpoint(request, **words)
        except RequestValidationError as error:
            answer = await invalid(request, error)
        except BlockstoreError as error:
            answer = await refused(request, error)
        else:
            await _send(found, scope, send)
            return
        answer.headers.update(versions.said(scope))
        await answer(scope, receive, send)

    def _agree(self, scope: Scope) -> None:
        """Who asks, and in which version. Of two headers of one name the first one counts."""
        headers = dict(reversed(scope["headers"]))
        check(self._token, headers.get(_TOKEN, b""))
        versions.agree(scope, headers.get(_VERSION, b"").decode("latin-1"))
        versions.check(scope, versions.ATTACHMENTS)


def _call(scope: Scope) -> tuple[Call | None, dict[str, Any]]:
    """Which of the calls this is, and what its path says; None for what is not plain."""
    found = None if scope["query_string"] else _PATH.fullmatch(scope["path"])
    if found is None:
        return None, {}
    identifier, action = found.groups()
    call = CALLS.get((scope["method"], (_ONE if identifier else _ALL) + (action or "")))
    if call is None or (call.body is not None and _SAID not in scope["headers"]):
        return None, {}
    return call, {"identifier": identifier} if identifier else {}


async def _send(found: dict[str, Any] | Response, scope: Scope, send: Send) -> None:
    said = versions.headers(scope["state"]["microversion"])
    if isinstance(found, Response):
        status, headers, body = found.status_code, [*found.raw_headers, *said], bytes(found.body)
    else:
        body = to_json(found)
        status, headers = 200, [(b"content-length", b"%d" % len(body)), _SAID, *said]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    """Whole: `Limit` has read it."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    raw: bytes = message.get("body", b"")
    return raw


def _checked(raw: bytes, shape: TypeAdapter[Any]) -> Any:
    """Raises `RequestValidationError`, as FastAPI does."""
    try:
        return shape.validate_json(raw)
    except ValidationError:
        return _refused(as_json(raw), shape)


def _refused(body: object, shape: TypeAdapter[Any]) -> Any:
    """The same once more in FastAPI's way, for its words."""
    try:
        return shape.validate_python(body, from_attributes=True)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in faults]) from None
