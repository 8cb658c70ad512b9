"""Who leads: of all servers of one folder exactly one keeps the target daemon and finishes what was begun.

The database says who. The claim on its name tells others that it lives, and ends with its process: then one of them leads within
a second. One that lives and does nothing (SIGSTOP, a debugger, a disk that hangs) says nothing either: after the lease another
one takes its place, by its own clock and no other. Should the first one wake up, what it does for the folder begins with `hold`,
which the database refuses; and everything else it does is what any of the servers may do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from blockstore.errors import BlockstoreError
from metadata_server.chance import new_id
from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.peers.claims import Claims
from metadata_server.store import Store
from metadata_server.store.leases import Lease

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# The one who leads says so as many times in the time after which it would be replaced.
BEATS = 6


def leadership(store: Store, claims: Claims, seconds: float) -> Leadership:
    """Of one server among others, or of one that is alone."""
    return Elected(store, claims, seconds) if store.database.shared else Leadership()


class Leadership:
    """Of a server that is alone: it leads."""

    def seize(self) -> bool:
        """Lead, if nobody does."""
        return True

    def hold(self) -> None:
        """Before anything that only the one who leads may do. Raises `Unavailable` where another one leads by now."""

    def begin(self, *, lead: Callable[[], None], follow: Callable[[], None]) -> None:
        """From here on call the one or the other when that changes."""

    def end(self) -> None:
        """No more."""


class Elected(Leadership):
    """Of one among several, for a lease of so many seconds. Belongs to one event loop."""

    def __init__(self, store: Store, claims: Claims, seconds: float) -> None:
        self._store, self._claims, self._me = store, claims, new_id()
        self._look_seconds, self._patience = min(LOOK_SECONDS, seconds / BEATS), Patience(seconds)
        self._lead: Callable[[], None] = _nothing
        self._follow: Callable[[], None] = _nothing
        self._leads, self._said = False, 0.0
        self._later: asyncio.TimerHandle | None = None

    def seize(self) -> bool:
        """See `Leadership`."""
        self._claims.take(_named(self._me))
        self._leads = self._seized()
        return self._leads

    def hold(self) -> None:
        """See `Leadership`."""
        if self._leads:
            with self._store.begin() as transaction:
                self._leads = transaction.leases.keep(self._me)
            if not self._leads:
                LOG.warning("another server leads by now; this one has said nothing for too long, and follows")
                asyncio.get_running_loop().call_soon(self._follow)
        if not self._leads:
            raise Unavailable("another server leads by now")

    def begin(self, *, lead: Callable[[], None], follow: Callable[[], None]) -> None:
        """See `Leadership`."""
        self._lead, self._follow = lead, follow
        self._later = asyncio.get_running_loop().call_later(self._look_seconds, self._look)

    def end(self) -> None:
        """See `Leadership`."""
        if self._later is not None:
            self._later.cancel()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._act(loop.time())
        except BlockstoreError as error:
            self._patience.forget()  # while nobody can say that they lead, nobody is late
            LOG.debug("who leads: %s", error)
        finally:
            self._later = loop.call_later(self._look_seconds, self._look)

    def _act(self, now: float) -> None:
        if self._leads:
            if now - self._said >= self._patience.seconds / BEATS:
                self._said = now
                self.hold()
        elif self._seized(now):
            self._leads = True
            self._lead()

    def _seized(self, now: float | None = None) -> bool:
        """Take the lead from one who is dead, or (``now``) has been silent for too long. Of many one gets it."""
        with self._store.read() as transaction:
            found = transaction.leases.get()
        if found is None:
            return self._first()
        late = now is not None and self._patience.late(found, now)
        if not late and not self._claims.free(_named(found.holder)):
            return False
        if late:
            LOG.warning("the server that leads has said nothing for %.0f s", self._patience.seconds)
        with self._store.begin() as transaction:
            return transaction.leases.take(found, self._me)

    def _first(self) -> bool:
        try:
            with self._store.begin() as transaction:
                transaction.leases.add(self._me)
        except Conflict:
            return False
        return True


class Patience:
    """How long a lease has been as it is, by a clock that is only looked at here."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._seen: Lease | None = None
        self._since = self._looked = 0.0

    def late(self, lease: Lease, now: float) -> bool:
        """Whether it has not changed for so long. Who has not looked for half of it was frozen, too, and begins anew."""
        if lease != self._seen or now - self._looked > self.seconds / 2:
            self._seen, self._since = lease, now
        self._looked = now
        return now - self._since >= self.seconds

    def forget(self) -> None:
        """Begin anew."""
        self._seen = None


def _named(holder: str) -> str:
    return f"server {holder}"


def _nothing() -> None:
    """Before it begins."""
