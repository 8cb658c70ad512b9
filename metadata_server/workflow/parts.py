"""What every workflow works with, handed in once: database, backend, target, who waits, and what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from metadata_server.backends.types import Backends
from metadata_server.peers.claims import Claims
from metadata_server.store import Store
from metadata_server.targets import Target
from metadata_server.targets.portals import Advertised
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.faults import Faults
from metadata_server.workflow.jobs import Jobs

Observer = Callable[[str], None]


def nobody_listens(step: str) -> None:
    """The observer of a server that nobody observes."""


@dataclass(frozen=True)
class Parts:
    """``advertised`` has the portals as instances see them; ``observe`` hears the name of every step before it is done.

    ``claims``: what this server works on while others of its folder may not: an export, by its target name.
    ``strangers``: what backends had at the start and the database does not know, by type. ``warnings``: what is not as it was
    configured.
    """

    store: Store
    backends: Backends
    target: Target
    changes: Changes
    advertised: Advertised
    claims: Claims
    jobs: Jobs
    observe: Observer = nobody_listens
    strangers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def peers(self) -> bool:
        """Whether there may be other servers of this database: what was read here may be otherwise by now, there."""
        return self.store.database.shared

    @cached_property
    def faults(self) -> Faults:
        """The exports that are not as they should be, by target name, and why. They are tried again (`Recovery.mend`)."""
        return Faults(self.store)


def now() -> str:
    """RFC 3339, UTC, with microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
