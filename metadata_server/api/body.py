"""What a request may be: bounded in its address, its headers and its body, and JSON that is not nested without end."""

from __future__ import annotations

import json
import re
from itertools import chain

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metadata_server.api.errors import fault
from metadata_server.domain.errors import Invalid

# A report of 512 volumes with all its steps has some 200 KiB.
LARGEST = 512 * 1024
LONGEST_ADDRESS, MOST_HEADERS, LARGEST_HEADERS = 4096, 64, 16 * 1024
DEEPEST = 32
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


async def json_of(request: Request) -> object:
    """The body as JSON; None where it is empty. Raises `Invalid`."""
    return as_json(await request.body())


def as_json(raw: bytes) -> object:
    """The same of these bytes."""
    try:
        return json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        raise Invalid("the body is not JSON") from None


def nested(raw: bytes) -> int:
    """How deep the brackets of this JSON go; what is no JSON is somebody else's to refuse."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return 0
    depth = deepest = 0
    for character in re.findall(rb"[\[{\]}]", _STRINGS.sub(b"", raw)):
        depth += 1 if character in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


class Limit:
    """Refuses what is too long before the application sees it; the application gets a body whole, or not at all."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app, self._largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal, has_body = self._head(scope)
        if refusal is None and has_body:
            try:
                body = await self._read(receive)
            except ClientDisconnect:  # what came may look whole
                return
            if body is None:
                refusal = self._too_large()
            elif nested(body) > DEEPEST:
                refusal = (400, f"the body is nested deeper than {DEEPEST}")
            else:
                receive = _again(body, receive)
        if refusal is not None:
            await fault(*refusal)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _head(self, scope: Scope) -> tuple[tuple[int, str] | None, bool]:
        """Why this head is refused, if it is; and whether a body follows. No loop of ours: it is made for every request."""
        headers, refusal = scope["headers"], None
        size, found = sum(map(len, chain.from_iterable(headers))), dict(headers)
        length, chunked = found.get(b"content-length"), b"transfer-encoding" in found
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_ADDRESS:
            refusal = 414, f"the address has more than {LONGEST_ADDRESS} bytes"
        elif len(headers) > MOST_HEADERS:
            refusal = 431, f"there are more than {MOST_HEADERS} headers"
        elif size > LARGEST_HEADERS:
            refusal = 431, f"the headers have more than {LARGEST_HEADERS} bytes"
        elif length is not None and chunked:
            # RFC 9112, 6.3: whoever stands between may have read the other one.
            refusal = 400, "a body has a length or is chunked, not both"
        elif length is not None and length.isdigit() and int(length[:20]) > self._largest:
            refusal = self._too_large()
        return refusal, chunked or length is not None

    def _too_large(self) -> tuple[int, str]:
        return 413, f"the body has more than {self._largest} bytes"

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None where it is too large. Raises `ClientDisconnect`."""
        parts, length, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            parts.append(part)
            length += len(part)
            if length > self._largest:
                return None
            more = message.get("more_body", False)
        return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
