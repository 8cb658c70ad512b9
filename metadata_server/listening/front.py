"""Both listeners as one: bound at once, served and stopped together."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Protocol

from starlette.types import ASGIApp

from metadata_server.domain.errors import Unavailable
from metadata_server.listening import certificate
from metadata_server.listening.figures import Figures
from metadata_server.listening.listener import Listener, address, bind
from metadata_server.listening.observed import Observed, Settled, at_once
from metadata_server.listening.settings import HttpSettings, Tls

LOG = logging.getLogger(__name__)


class Place(Protocol):
    """Where to listen; port 0 picks a free one."""

    @property
    def host(self) -> str:
        """An IP address."""

    @property
    def port(self) -> int:
        """A TCP port."""


class Front:
    """``figures`` counts what both are asked."""

    def __init__(self, settings: HttpSettings, instance: Place, operator: Place) -> None:
        self._settings = settings
        self._bound = {"instance": bind(instance.host, instance.port), "operator": bind(operator.host, operator.port)}
        self._listeners: dict[str, Listener] = {}
        self.figures = Figures()

    def address(self, name: str) -> str:
        """HOST:PORT of a listener."""
        return address(self._bound[name])

    def url(self, name: str) -> str:
        """Its own URL, as this machine sees it."""
        return f"{'https' if self._tls(name) else 'http'}://{self.address(name)}"

    def fingerprint(self, name: str) -> str:
        """Of its certificate; "" without TLS."""
        tls = self._tls(name)
        return certificate.fingerprint(tls) if tls else ""

    @property
    def connections(self) -> dict[str, int]:
        """How many are open, by listener."""
        return {name: len(each.server_state.connections) for name, each in self._listeners.items()}

    @property
    def ended(self) -> dict[str, int]:
        """How many were ended for being slow, by listener."""
        return {name: each.ended for name, each in self._listeners.items()}

    async def serve(
        self, instance: ASGIApp, operator: ASGIApp, *, ready: Callable[[], None], stopping: Callable[[], None],
        settled: Settled = at_once,
    ) -> None:  # fmt: skip
        """Until SIGTERM or SIGINT; SIGHUP reads the certificates anew, and ``ready`` is called again. Answers wait
        for ``settled``."""
        for name, app in (("instance", instance), ("operator", operator)):
            observed = Observed(app, self.figures, name, settled)
            self._listeners[name] = Listener(observed, self._settings.limits, self._tls(name))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            stopping()
            for each in self._listeners.values():
                each.should_exit = True

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload, ready)
        serving = asyncio.gather(*(each.serve(sockets=[self._bound[name]]) for name, each in self._listeners.items()))
        await asyncio.gather(*(each.serving.wait() for each in self._listeners.values()))
        ready()
        await serving

    def _reload(self, ready: Callable[[], None]) -> None:
        try:
            for each in self._listeners.values():
                each.reload()
        except Unavailable as error:
            LOG.error("%s; the old certificate goes on", error)
            return
        LOG.info("the certificates were read anew")
        ready()

    def _tls(self, name: str) -> Tls | None:
        return self._settings.instance_tls if name == "instance" else self._settings.operator_tls
