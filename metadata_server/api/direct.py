"""What boots wait for, without FastAPI's routes and dependencies, which cost more than there is to do.

The endpoints are those of `metadata_server.api.attachments`; what is not plain (a query, a body that is not said to be JSON) is
left to FastAPI's routes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from metadata_server.api import attachments, shapes, versions
from metadata_server.api.asking import authenticate
from metadata_server.api.body import json_of

JSON = "application/json"
_SAID = (b"content-type", JSON.encode())


@dataclass(frozen=True)
class Call:
    """One of the endpoints; ``body`` is what it takes, ``brief`` leaves out of the answer what was not set."""

    method: str
    path: str
    endpoint: Callable[..., Awaitable[BaseModel | Response]]
    body: TypeAdapter[Any] | None = None
    brief: bool = False


_ALL, _ONE = "/v3/attachments", "/v3/attachments/{identifier:uuid}"
CALLS = (
    Call("GET", _ONE, attachments.show),
    Call("POST", _ALL, attachments.create, TypeAdapter(shapes.NewAttachmentBody)),
    Call("PUT", _ONE, attachments.connect, TypeAdapter(shapes.AttachmentChangeBody)),
    Call("POST", f"{_ONE}/action", attachments.act, TypeAdapter(dict[str, Any])),
    Call("DELETE", _ONE, attachments.delete, brief=True),
)


class Direct(Route):
    """Matches only what is plain."""

    def __init__(self, call: Call) -> None:
        super().__init__(call.path, _answering(call), methods=[call.method], include_in_schema=False)
        self._method, self._has_body = call.method, call.body is not None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Starlette."""
        if scope["method"] != self._method or scope["query_string"] or (self._has_body and _SAID not in scope["headers"]):
            return Match.NONE, {}
        return super().matches(scope)


def routes() -> Iterable[Route]:
    """They go before all others."""
    return map(Direct, CALLS)


def _answering(call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        await authenticate(request)
        await versions.negotiate(request)
        versions.need(request, versions.ATTACHMENTS)
        words = {name: str(value) for name, value in request.path_params.items()}
        if call.body is not None:
            words["body"] = _checked(await json_of(request), call.body)
        found = await call.endpoint(request, **words)
        if isinstance(found, Response):
            return found
        return Response(found.model_dump_json(exclude_unset=call.brief), media_type=JSON)

    return answer


def _checked(body: object, shape: TypeAdapter[Any]) -> Any:
    """Raises `RequestValidationError`, as FastAPI does."""
    try:
        return shape.validate_python(body, from_attributes=True)  # as FastAPI asks, for its words
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in faults]) from None
