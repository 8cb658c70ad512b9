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
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from blockstore.errors import BlockstoreError
from metadata_server.api import attachments, shapes, versions
from metadata_server.api.asking import authenticate
from metadata_server.api.body import json_of
from metadata_server.api.errors import invalid, refused
from metadata_server.listening.observed import TEMPLATE

JSON = "application/json"
_SAID = (b"content-type", JSON.encode())
_ALL, _ONE = "/v3/attachments", "/v3/attachments/{identifier}"
_PATH = re.compile(r"/v3/attachments(?:/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(/action)?)?")


@dataclass(frozen=True)
class Call:
    """One of the endpoints; ``body`` is what it takes, ``brief`` leaves out of the answer what was not set."""

    method: str
    path: str
    endpoint: Callable[..., Awaitable[BaseModel | Response]]
    body: TypeAdapter[Any] | None = None
    brief: bool = False


CALLS: Mapping[tuple[str, str], Call] = {
    (call.method, call.path): call
    for call in (
        Call("GET", _ONE, attachments.show),
        Call("POST", _ALL, attachments.create, TypeAdapter(shapes.NewAttachmentBody)),
        Call("PUT", _ONE, attachments.connect, TypeAdapter(shapes.AttachmentChangeBody)),
        Call("POST", f"{_ONE}/action", attachments.act, TypeAdapter(dict[str, Any])),
        Call("DELETE", _ONE, attachments.delete, brief=True),
    )
}


class Direct:
    """Answers what is plain, and gives the rest to ``app`` (ASGI)."""

    def __init__(self, app: ASGIApp, asked: object) -> None:
        """``asked`` is what a request finds as its application."""
        self._app, self._asked = app, asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        call, words = _call(scope) if scope["type"] == "http" else (None, {})
        if call is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope[TEMPLATE] = self._asked, call.path
        request = Request(scope, receive)
        try:
            answer = await _answer(request, call, words)
        except RequestValidationError as error:
            answer = await invalid(request, error)
        except BlockstoreError as error:
            answer = await refused(request, error)
        answer.headers.update(versions.said(scope))
        await answer(scope, receive, send)


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


async def _answer(request: Request, call: Call, words: dict[str, Any]) -> Response:
    await authenticate(request)
    await versions.negotiate(request)
    versions.need(request, versions.ATTACHMENTS)
    if call.body is not None:
        words["body"] = _checked(await json_of(request), call.body)
    found = await call.endpoint(request, **words)
    if isinstance(found, Response):
        return found
    return Response(found.model_dump_json(exclude_unset=call.brief), media_type=JSON)


def _checked(body: object, shape: TypeAdapter[Any]) -> Any:
    """Raises `RequestValidationError`, as FastAPI does."""
    try:
        return shape.validate_python(body, from_attributes=True)  # as FastAPI asks, for its words
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in faults]) from None
