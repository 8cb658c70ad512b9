"""One HTTP connection that cannot hold up the others: uvicorn's protocols, with deadlines and limits of their own.

uvicorn has a timer for an idle connection only. Whoever sends a head or a body byte by byte, or never reads its answer, is
found here by a look at all connections once a second, which costs a request nothing; so are idle ones, where httptools reads.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from metadata_server.listening.settings import Limits

LARGEST_HEAD = 16 * 1024
FULL = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n"
TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
# Under this name an application finds its connection in ``scope["state"]``.
KEY = "connection"


class Bounded:
    """Mixed into a protocol of uvicorn's. ``phase`` and ``since`` belong to `Sweeper`."""

    limits = Limits()

    def __init__(self, *arguments: Any, app_state: dict[str, Any], **words: Any) -> None:
        super().__init__(*arguments, app_state={**app_state, KEY: self}, **words)  # type: ignore[call-arg]
        self.phase: tuple[object, ...] = ()
        self.since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Refuse at once what is one too many: an answer costs less than a place."""
        super().connection_made(transport)  # type: ignore[misc]
        if len(self.connections) > self.limits.connections:  # type: ignore[attr-defined]
            transport.write(FULL)
            transport.close()

    def limit_hops(self, hops: int) -> None:
        """From now on this connection's packets die after so many hops (ip(7) IP_TTL, ipv6(7) IPV6_UNICAST_HOPS)."""
        opened = self.transport.get_extra_info("socket")  # type: ignore[attr-defined]
        if opened.family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
        else:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)

    def stage(self) -> tuple[object, ...]:
        """What the peer has to do next; () where it is our turn, or uvicorn's timer ends the connection."""
        cycle, transport = self.cycle, self.transport  # type: ignore[attr-defined]
        if transport.is_closing():
            return ("closing",)
        if cycle is not None and not cycle.response_complete:
            if self.flow.write_paused:  # type: ignore[attr-defined]
                return ("answer", cycle)
            return ("body", cycle) if cycle.more_body else ()
        return () if self.timeout_keep_alive_task is not None else ("head", cycle)  # type: ignore[attr-defined]


class H11Connection(Bounded, H11Protocol):
    """h11: everywhere."""


Connection: type[Any] = H11Connection

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from metadata_server.listening.whole import Whole
except ImportError:  # it is quicker, and not needed
    pass
else:

    class HttpToolsConnection(Bounded, HttpToolsProtocol):
        """httptools: it has no limit of its own for a head."""

        _head = -1  # bytes of a head that is being read; -1: none is

        def __init__(self, *arguments: Any, **words: Any) -> None:
            super().__init__(*arguments, **words)
            self.app = Whole(self.app)

        def on_response_complete(self) -> None:
            """As uvicorn's, without a timer for each answer."""
            if self.pipeline:
                super().on_response_complete()
                return
            self.server_state.total_requests += 1
            if not self.transport.is_closing():
                self.flow.resume_reading()

        def stage(self) -> tuple[object, ...]:
            """Between two requests the connection is idle."""
            found = super().stage()
            between = self._head < 0 and self.cycle is not None
            return ("idle", self.cycle) if between and found and found[0] == "head" else found

        def on_message_begin(self) -> None:
            """A head begins."""
            self._head = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            """It is complete."""
            self._head = -1
            super().on_headers_complete()

        def data_received(self, data: bytes) -> None:
            """Refuse a head that does not end."""
            super().data_received(data)
            if self._head >= 0:
                self._head += len(data)
                if self._head > LARGEST_HEAD and not self.transport.is_closing():
                    self.transport.write(TOO_LONG)
                    self.transport.close()

    Connection = HttpToolsConnection


class Sweeper:
    """Ends the connections whose peer takes too long over one thing."""

    EVERY = 1.0

    def __init__(self, connections: set[Any], limits: Limits) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._seconds = {
            "head": limits.head_seconds, "body": limits.body_seconds, "answer": limits.answer_seconds,
            "closing": limits.answer_seconds, "idle": limits.keep_alive_seconds,
        }  # fmt: skip
        self._later: asyncio.TimerHandle | None = None
        self.ended = 0

    def begin(self) -> None:
        """Look, and look again."""
        self._later = self._loop.call_later(self.EVERY, self._look)

    def end(self) -> None:
        """No more."""
        if self._later is not None:
            self._later.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        for connection in list(self._connections):
            stage = connection.stage()
            if stage != connection.phase:
                connection.phase, connection.since = stage, now
            elif not stage or now - connection.since < self._seconds[stage[0]]:
                continue
            elif stage[0] == "idle":
                connection.transport.close()
            else:
                self.ended += 1
                # Not close(): that waits for a peer that may never read.
                connection.transport.abort()
        self.begin()
