"""An answer whose head and body are there together leaves in one piece: each write to a socket costs as much as making a small
answer, and wakes the peer for a head it can do nothing with.

ASGI has a server hold the head until there is a body ("Response Start"); uvicorn writes it at once.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

# What makes more of an answer than its bytes is left to uvicorn.
_SPECIAL = frozenset((b"connection", b"transfer-encoding"))
_EMPTY = frozenset((204, 304))


class Whole:
    """Around the application of a connection of uvicorn's that httptools reads."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """One request (ASGI)."""
        # What sends is a method of uvicorn's cycle of this request, which knows how the connection is.
        return self._app(scope, receive, _Answer(getattr(send, "__self__"), send).gathered)  # noqa: B009 (mypy takes it for any callable)


class _Answer:
    __slots__ = ("_cycle", "_head", "_send")

    def __init__(self, cycle: Any, send: Send) -> None:
        self._cycle, self._send = cycle, send
        self._head: Message | None = None

    async def gathered(self, message: Message) -> None:
        """As ``send``, but a head waits for its body."""
        if message["type"] == "http.response.start" and self._head is None:
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            text = _text(head, message, self._cycle)
            if text is not None:
                await self._write(text)
                return
            await self._send(head)
        await self._send(message)

    async def _write(self, text: bytes) -> None:
        """As uvicorn's own `send` does with the last message of an answer on a connection that stays."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.transport.write(text)
        cycle.message_event.set()
        cycle.on_response()


def _text(head: Message, message: Message, cycle: Any) -> bytes | None:
    """The whole answer; None where it is not all there, or is anything but plain."""
    status, body, length = head["status"], message.get("body", b""), 0
    plain = cycle.keep_alive and not cycle.response_started and cycle.scope["method"] != "HEAD"
    if not plain or message["type"] != "http.response.body" or message.get("more_body"):
        return None
    headers = [*cycle.default_headers, *head.get("headers", ())]
    parts, named = [STATUS_LINE[status]], status in _EMPTY
    for name, value in headers:
        if name in _SPECIAL:
            return None
        if name == b"content-length":
            named, length = True, int(value)
        parts += (name, b": ", value, b"\r\n")
    text = b"".join(parts)
    # One that would end a line of its own: uvicorn refuses it.
    whole = text.count(b"\n") == text.count(b"\r") == len(headers) + 1 and b"\0" not in text
    return b"%b\r\n%b" % (text, body) if named and whole and length == len(body) else None
