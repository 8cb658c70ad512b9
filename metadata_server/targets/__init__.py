"""How volumes are exported. A new target is one new file and one line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from blockstore.portal import Portal
from metadata_server.domain.export import Export, SeenTarget
from metadata_server.targets.lio import Lio
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt_many import TgtMany


class Target(Protocol):
    """What the server asks of a target. Everything may be asked twice: the second time nothing is left to do.

    None of these ever leaves an export reachable without CHAP, not even for a moment or after a kill in the middle.
    """

    @property
    def chap_algorithms(self) -> tuple[str, ...]:
        """What to offer at login, best first."""

    @property
    def portals(self) -> tuple[Portal, ...]:
        """Where it listens: one for each daemon, in their order (see `metadata_server.targets.homes.home`)."""

    def start(self) -> None:
        """Make sure that the daemon runs: one that an earlier server left is taken over, with its sessions."""

    def join(self) -> None:
        """Use the daemon that another server of this folder keeps. Raises `Unavailable` where there is none yet."""

    def stop(self) -> None:
        """Remove all exports, and end the daemon."""

    def abandon(self) -> None:
        """The server does not come up: end the daemon that it started, and not the one that it found, which guests use."""

    def watch(self) -> int:
        """A file descriptor that becomes readable when the daemon dies; valid until the next `start`."""

    def seen(self) -> Mapping[str, SeenTarget]:
        """What is exported now, by target name."""

    def ensure(self, export: Export) -> None:
        """Export it exactly so, at least as large as that; one that is so already is left alone.

        Where only the backing file has grown, I/O under way waits meanwhile, and does not fail.
        """

    def remove(self, iqn: str) -> None:
        """Nobody may log in any more, sessions are dropped, the export is gone."""

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        """Export exactly these. Gives the faults by target name; one that fails does not stop the others."""


Observer = Callable[[str], None]
REGISTRY: Mapping[str, Callable[[Path, TargetSettings, Observer], Target]] = {"tgt": TgtMany, "lio": Lio}


def driver_of(target: Target) -> str:
    """Its name in the registry; "" for one that is not there."""
    return next((name for name, made in REGISTRY.items() if made is type(target)), "")
