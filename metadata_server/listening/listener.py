"""One listener: a bound socket, and uvicorn on it, within limits and with TLS where it is configured."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from metadata_server.domain.errors import Unavailable
from metadata_server.listening import certificate
from metadata_server.listening.connection import LARGEST_HEAD, Connection, Sweeper
from metadata_server.listening.settings import Limits, Tls

# How long requests under way may take when the server stops; those that only wait are woken at once.
GRACE_SECONDS = 3
BACKLOG = 4096


class Listener(uvicorn.Server):
    """uvicorn without its own signal handlers; says when it serves."""

    def __init__(self, app: ASGIApp, limits: Limits, tls: Tls | None = None) -> None:
        settings = uvicorn.Config(
            app,
            http=type("Connection", (Connection,), {"limits": limits}),
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=LARGEST_HEAD,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=limits.keep_alive_seconds,
        )
        super().__init__(settings)
        self._limits, self._tls = limits, tls
        self._context: ssl.SSLContext | None = certificate.context(tls) if tls else None
        self.serving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The server has its own."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Instead of uvicorn's: a TLS handshake has a deadline here, too."""
        loop = asyncio.get_running_loop()
        seconds = self._limits.head_seconds if self._context else None
        self.servers = [
            await loop.create_server(
                self._connection, sock=bound, ssl=self._context, backlog=BACKLOG, ssl_handshake_timeout=seconds
            )
            for bound in sockets or ()
        ]
        self._sweeper = Sweeper(self.server_state.connections, self._limits)
        self._sweeper.begin()
        self.started = True
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Within `GRACE_SECONDS`."""
        await super().shutdown(sockets)
        self._sweeper.end()

    @property
    def ended(self) -> int:
        """How many connections were ended for being slow."""
        return self._sweeper.ended

    def reload(self) -> None:
        """Read the certificate anew. Raises `Unavailable`; the old one goes on then."""
        if self._context is not None and self._tls is not None:
            certificate.context(self._tls)  # in a context of its own first: a half-loaded pair would end every handshake
            certificate.load(self._context, self._tls)

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state={}
        )
        return made


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `Unavailable`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it every answer after the first one of
    # a connection waits 40 ms for the peer's delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise Unavailable(f"cannot listen on {host} port {port}: {error.strerror}") from error
    bound.listen(BACKLOG)
    return bound


def address(bound: socket.socket) -> str:
    """HOST:PORT of it, with brackets around IPv6."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
