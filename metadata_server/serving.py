"""The whole server put together: state, backend, target, two listeners, one event loop."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from metadata_server import loop, served, targets
from metadata_server.api import instance, operator
from metadata_server.backends.types import Backends
from metadata_server.configuration import Configuration
from metadata_server.domain.errors import Unavailable
from metadata_server.engines.own import Own
from metadata_server.entering import enter
from metadata_server.keeper import Keeper, Mender
from metadata_server.listening.figures import Seen
from metadata_server.listening.front import Front
from metadata_server.peers.claims import Claims, Undisputed
from metadata_server.peers.leadership import leadership
from metadata_server.peers.role import Role
from metadata_server.peers.wakeups import Wakeups
from metadata_server.state import Addresses, State
from metadata_server.store import Store
from metadata_server.targets.portals import Advertised
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.health import Health
from metadata_server.workflow.jobs import Jobs
from metadata_server.workflow.parts import Observer, Parts, nobody_listens
from metadata_server.workflow.recovery import Recovery
from metadata_server.workflow.services import Services

if TYPE_CHECKING:
    from metadata_server.passing import PassingServer

LOG = logging.getLogger(__name__)

Ready = Callable[[Addresses], None]
T = TypeVar("T")


def serve(configuration: Configuration, *, ready: Ready, observe: Observer = nobody_listens) -> None:
    """Run until SIGTERM or SIGINT. ``observe`` hears the name of every step before it is done."""
    os.umask(0o077)
    state = State(configuration.state)
    if configuration.database.shared:
        state.share()
    else:
        state.lock()
    if (warning := served.plain(configuration)) is not None:
        LOG.warning("%s", warning)
    if configuration.cinder is not None:
        loop.run(_passing()(configuration, configuration.cinder, state, observe).run(ready))
    else:
        loop.run(_Server(configuration, state, observe).run(ready))


def _passing() -> type[PassingServer]:
    """What it needs beside the rest is not installed everywhere."""
    try:
        from metadata_server.passing import PassingServer
    except ModuleNotFoundError as error:
        problem = f'engine = "cinder" needs the Python module {error.name}'
        raise Unavailable(problem, hint="apt install python3-keystoneauth1, or pip install '.[cinder]'") from None
    return PassingServer


class _Server:
    def __init__(self, configuration: Configuration, state: State, observe: Observer) -> None:
        self._configuration, self._state = configuration, state
        self._came_up = False
        claims = (Claims if configuration.database.shared else Undisputed)(configuration.state)
        self._store = Store.open(configuration.state / "state.db", configuration.database)
        self._leadership = leadership(self._store, claims, configuration.database.lease)
        entered = enter(state, configuration.target, self._leadership, claims, self._store)
        self._leads, last = entered.leads, entered.last
        # The one who led has the ports that are remembered.
        listeners = [
            state.remembered(listener, port) if entered.leads else listener
            for listener, port in ((configuration.instance, last.instance), (configuration.operator, last.operator))
        ]
        self._front = Front(configuration.http, *listeners)
        self._target = targets.REGISTRY[entered.target.driver](configuration.state, entered.target, observe)
        self._advertised = Advertised(self._target, configuration.target.advertised)
        self._parts = Parts(
            store=self._store,
            backends=Backends(configuration.types, observe),
            target=self._target,
            changes=Changes(),
            advertised=self._advertised,
            claims=claims,
            jobs=Jobs(claims),
            observe=observe,
            warnings=entered.warnings,
        )

    async def run(self, ready: Ready) -> None:
        recovery = Recovery(self._parts)
        keeper = Keeper(self._target, self._leading(recovery.restore))
        mender = Mender(self._leading(recovery.mend))
        role = Role(self._leadership, self._target, keeper, mender, leads=self._leads, succeeded=self._write)
        wakeups = Wakeups(self._store, self._parts.changes)
        try:
            recovery.check()
            role.begin(recovery.restore)
            wakeups.begin()
            await self._parts.jobs.settle()
            await self._listen(ready, role, keeper)
        finally:
            role.end()
            wakeups.end()
            if self._state.leave():
                self._end_target(role)
            self._store.close()

    def _leading(self, action: Callable[[], T]) -> Callable[[], T]:
        """What only the one who leads may do: it makes sure that it does. One that was frozen is not told that it was."""

        def act() -> T:
            self._leadership.hold()
            return action()

        return act

    def _end_target(self, role: Role) -> None:
        if not self._came_up:  # guests use what a killed server left in service, whatever this one's start failed at
            self._target.abandon()
            return
        with contextlib.suppress(Unavailable):
            if not role.leads:
                self._target.join()  # another one than at the start, perhaps
        self._target.stop()

    def _figures(self, health: Health, keeper: Keeper) -> Seen:
        found = health.amounts()
        return Seen(**vars(found), restarts=keeper.deaths, connections=self._front.connections, ended=self._front.ended)

    async def _listen(self, ready: Ready, role: Role, keeper: Keeper) -> None:
        services, token = Services(self._parts, self._endpoint), self._state.token()
        engine = Own(services)
        health = Health(self._parts, lambda: role.target_lives)
        self._front.figures.look(lambda: self._figures(health, keeper))

        def up() -> None:
            if role.leads:
                self._write()
            if not self._came_up:
                self._came_up = True
                ready(self._addresses())

        await self._front.serve(
            instance.application(services, engine, served.access(self._configuration, self._store), health),
            operator.application(services, token, health, self._front.figures.text, engine=engine),
            ready=up,
            stopping=self._parts.changes.close,
            settled=self._store.settled,
        )

    def _write(self) -> None:
        """Where the one who leads listens, for the command."""
        self._state.write(self._addresses(), self._state.token())

    def _addresses(self) -> Addresses:
        portals = tuple(map(str, self._target.portals))
        return Addresses(
            instance=self._front.address("instance"), operator=self._front.address("operator"), endpoint=self._endpoint(),
            portal=portals[0], portals=portals, portal_advertised=str(self._advertised.all()[0]),
            instance_certificate=self._front.fingerprint("instance"), operator_certificate=self._front.fingerprint("operator"),
        )  # fmt: skip

    def _endpoint(self) -> str:
        return served.endpoint(self._configuration, self._front)


def notify_systemd(text: str) -> None:
    """Say ``READY=1`` to systemd where it asked for that (sd_notify(3)); a datagram, no library."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifier, contextlib.suppress(OSError):
            notifier.connect("\0" + address[1:] if address.startswith("@") else str(Path(address)))
            notifier.send(text.encode())
