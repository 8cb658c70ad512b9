"""The whole server put together where Cinder owns the volumes: no backend, no target, no recovery of exports."""

from __future__ import annotations

from collections.abc import Callable

from metadata_server import served
from metadata_server.api import instance, operator, passing
from metadata_server.configuration import Configuration
from metadata_server.engines.cinder.calls import GRACE, Calls
from metadata_server.engines.cinder.client import CinderClient
from metadata_server.engines.cinder.engine import Cinder
from metadata_server.engines.cinder.health import CinderHealth
from metadata_server.engines.cinder.operating import Operating
from metadata_server.engines.cinder.parts import CinderParts
from metadata_server.engines.cinder.services import CinderServices
from metadata_server.engines.cinder.session import connect
from metadata_server.engines.cinder.settings import CinderSettings
from metadata_server.engines.cinder.tidying import Tidier
from metadata_server.listening.figures import Seen
from metadata_server.listening.front import Front
from metadata_server.peers.claims import Claims
from metadata_server.peers.leadership import leadership
from metadata_server.peers.wakeups import Wakeups
from metadata_server.state import Addresses, State
from metadata_server.store import Store
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.parts import Observer

Ready = Callable[[Addresses], None]
# Whoever made a reservation has given it up by then, or its process is gone.
GIVEN_UP_SECONDS = 5.0


class PassingServer:
    """Runs without Cinder, too: what needs it is answered 503 until it is there."""

    def __init__(self, configuration: Configuration, settings: CinderSettings, state: State, observe: Observer) -> None:
        self._configuration, self._settings, self._state = configuration, settings, state
        last, self._store = state.addresses(), Store.open(configuration.state / "state.db", configuration.database)
        self._leadership = leadership(self._store, Claims(configuration.state), configuration.database.lease)
        self._leads = self._leadership.seize()
        if self._leads:
            state.write(last, state.token())  # those who follow show the same token
        listeners = [
            state.remembered(listener, port) if self._leads else listener
            for listener, port in ((configuration.instance, last.instance), (configuration.operator, last.operator))
        ]
        self._front = Front(configuration.http, *listeners)
        self._calls = Calls(settings.timeout)
        client = CinderClient(connect(settings), settings)
        self._parts = CinderParts(store=self._store, changes=Changes(), client=client, calls=self._calls, observe=observe)

    async def run(self, ready: Ready) -> None:
        """Until SIGTERM or SIGINT."""
        tidier = Tidier(self._parts, self._settings.timeout + GRACE + GIVEN_UP_SECONDS)
        wakeups = Wakeups(self._store, self._parts.changes)
        try:
            tidier.begin()
            wakeups.begin()
            self._leadership.begin(lead=self._lead, follow=self._follow)
            await self._listen(ready)
        finally:
            self._leadership.end()
            tidier.end()
            wakeups.end()
            self._state.leave()
            self._calls.close()
            self._store.close()

    async def _listen(self, ready: Ready) -> None:
        services = CinderServices(self._parts, self._endpoint, self._settings.endpoint or "of the catalogue")
        engine, health = Cinder(self._parts, self._settings.poll), CinderHealth(self._parts)
        self._front.figures.look(lambda: self._figures(health))
        routers = passing.router(Operating(self._parts), self._parts.changes), passing.elsewhere()
        token, figures = self._state.token(), self._front.figures.text
        told = False

        def up() -> None:
            nonlocal told
            self._write()
            if not told:
                ready(self._addresses())
            told = True

        await self._front.serve(
            instance.application(services, engine, served.access(self._configuration, self._store), health),
            operator.application(services, token, health, figures, engine=engine, passing=routers),
            ready=up,
            stopping=self._parts.changes.close,
            settled=self._store.settled,
        )

    def _lead(self) -> None:
        self._leads = True
        self._write()

    def _follow(self) -> None:
        self._leads = False

    def _write(self) -> None:
        """Where the one who leads listens, for the command."""
        if self._leads:
            self._state.write(self._addresses(), self._state.token())

    def _addresses(self) -> Addresses:
        return Addresses(
            instance=self._front.address("instance"), operator=self._front.address("operator"), endpoint=self._endpoint(),
            instance_certificate=self._front.fingerprint("instance"), operator_certificate=self._front.fingerprint("operator"),
        )  # fmt: skip

    def _endpoint(self) -> str:
        return served.endpoint(self._configuration, self._front)

    def _figures(self, health: CinderHealth) -> Seen:
        return Seen(**vars(health.amounts()), connections=self._front.connections, ended=self._front.ended)
