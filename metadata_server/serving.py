"""The whole server put together: state, backend, target, two listeners, one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp

from blockstore.portal import Portal
from metadata_server import targets
from metadata_server.api import instance, operator
from metadata_server.backends.types import Backends
from metadata_server.configuration import Configuration, Listener, TargetSettings
from metadata_server.domain.errors import Unavailable
from metadata_server.engines.own import Own
from metadata_server.keeper import Keeper, Mender
from metadata_server.state import Addresses, State
from metadata_server.store import Store
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.parts import Observer, Parts, nobody_listens
from metadata_server.workflow.recovery import Recovery
from metadata_server.workflow.services import Services

# How long requests under way may take when the server stops; those that only wait are woken at once.
GRACE_SECONDS = 3
KEEP_ALIVE_SECONDS = 30

Ready = Callable[[Addresses], None]


class _Listener(uvicorn.Server):
    """uvicorn without its own signal handlers; says when it serves."""

    def __init__(self, app: ASGIApp) -> None:
        settings = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        super().__init__(settings)
        self.serving = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()


def serve(configuration: Configuration, *, ready: Ready, observe: Observer = nobody_listens) -> None:
    """Run until SIGTERM or SIGINT. ``observe`` hears the name of every step before it is done."""
    os.umask(0o077)
    state = State(configuration.state)
    state.lock()
    asyncio.run(_Server(configuration, state, observe).run(ready))


class _Server:
    def __init__(self, configuration: Configuration, state: State, observe: Observer) -> None:
        last = state.addresses()
        self._configuration, self._state = configuration, state
        self._instance = _bound(state.remembered(configuration.instance, last.instance))
        self._operator = _bound(state.remembered(configuration.operator, last.operator))
        settings = _remembered(configuration.target, last.portal, state)
        self._target = targets.REGISTRY[settings.driver](configuration.state, settings, observe)
        self._store = Store.open(configuration.state / "state.db")
        backends = Backends(configuration.types, observe)
        backends.check()
        self._parts = Parts(
            store=self._store,
            backend=backends.of(backends.default),
            target=self._target,
            changes=Changes(),
            advertised=self._portal,
            observe=observe,
        )

    async def run(self, ready: Ready) -> None:
        recovery = Recovery(self._parts)
        try:
            recovery.restore()
            keeper, mender = Keeper(self._target, recovery.restore), Mender(recovery.mend)
            keeper.watch()
            mender.begin()
            await self._listen(ready)
            mender.end()
            keeper.end()
        finally:
            self._target.stop()
            self._store.close()

    async def _listen(self, ready: Ready) -> None:
        services, token = Services(self._parts, self._endpoint), self._state.token()
        listeners = {
            _Listener(instance.application(services, Own(services))): self._instance,
            _Listener(operator.application(services, token)): self._operator,
        }

        def stop() -> None:
            self._parts.changes.close()
            for listener in listeners:
                listener.should_exit = True

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        serving = asyncio.gather(*(listener.serve(sockets=[bound]) for listener, bound in listeners.items()))
        await asyncio.gather(*(listener.serving.wait() for listener in listeners))
        addresses = self._addresses()
        self._state.write(addresses, token)
        ready(addresses)
        await serving

    def _addresses(self) -> Addresses:
        return Addresses(
            instance=_text(self._instance), operator=_text(self._operator), portal=str(self._target.portal),
            endpoint=self._endpoint(), portal_advertised=str(self._portal()),
        )  # fmt: skip

    def _portal(self) -> Portal:
        """The portal as instances see it; an address alone stands for the port where tgtd really listens."""
        text = self._configuration.target.advertised
        if not text:
            return self._target.portal
        advertised = Portal.parse(text)
        return replace(advertised, port=self._target.portal.port) if _bare(text) else advertised

    def _endpoint(self) -> str:
        """The URL as instances see it; port 0 stands for the port where we really listen."""
        parts = urlsplit(self._configuration.endpoint)
        port = self._instance.getsockname()[1]
        if not parts.hostname:
            return f"http://{_text(self._instance)}"
        if parts.port != 0:
            return self._configuration.endpoint
        return f"{parts.scheme}://{parts.netloc.rpartition(':')[0]}:{port}{parts.path}"


def _remembered(settings: TargetSettings, last: str, state: State) -> TargetSettings:
    portal = state.remembered(Listener(settings.portal.host, settings.portal.port), last)
    return replace(settings, portal=Portal(portal.host, portal.port))


def _bound(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it every answer after the first one of
    # a connection waits 40 ms for the peer's delayed acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listener.host, listener.port))
    except OSError as error:
        bound.close()
        raise Unavailable(f"cannot listen on {listener.host} port {listener.port}: {error.strerror}") from error
    bound.listen(1024)
    return bound


def _text(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bare(text: str) -> bool:
    """Whether this is an address without a port."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return ":" not in text
    return True


def notify_systemd(text: str) -> None:
    """Say ``READY=1`` to systemd where it asked for that (sd_notify(3)); a datagram, no library."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier, contextlib.suppress(OSError):
            notifier.connect("\0" + address[1:] if address.startswith("@") else str(Path(address)))
            notifier.send(text.encode())
