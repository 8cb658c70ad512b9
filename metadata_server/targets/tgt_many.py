"""Exports through several tgtd: each export has one of them for its home, by its name alone.

One tgtd looks at all its accounts to number a new one, which for some thousands is most of its time, and it serves all I/O in one
thread meanwhile. Several have a share each; one that dies takes no other with it.
"""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from blockstore.errors import BlockstoreError
from blockstore.portal import Portal
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import Export, SeenTarget
from metadata_server.targets.daemon import Tgtd
from metadata_server.targets.homes import MOST, home
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt import Tgt

LOG = logging.getLogger(__name__)


class TgtMany:
    """See `metadata_server.targets.Target`. What fails at one daemon is done at the others."""

    chap_algorithms = Tgt.chap_algorithms

    def __init__(self, folder: Path, settings: TargetSettings, observe: Callable[[str], None]) -> None:
        self._folder, self._settings = folder, settings
        self._daemons = tuple(
            Tgt(folder, replace(settings, portal=portal), observe, number) for number, portal in enumerate(settings.portals)
        )
        self._dead: select.epoll | None = None

    @property
    def portals(self) -> tuple[Portal, ...]:
        """See `Target.portals`."""
        return tuple(each.portal for each in self._daemons)

    def start(self) -> None:
        """See `Target.start`. Raises `Unavailable` when all that can be started are, and names the others."""
        self._end_surplus()
        self._all(Tgt.start)

    def join(self) -> None:
        """See `Target.join`."""
        self._all(Tgt.join)

    def stop(self) -> None:
        """See `Target.stop`."""
        self._all(Tgt.stop)

    def abandon(self) -> None:
        """See `Target.abandon`."""
        self._all(Tgt.abandon)

    def watch(self) -> int:
        """See `Target.watch`: an epoll(7) descriptor is readable when any of its pidfds is."""
        if self._dead is not None:
            self._dead.close()
        self._dead = select.epoll()
        for each in self._daemons:
            self._dead.register(each.watch(), select.EPOLLIN)
        return self._dead.fileno()

    def seen(self) -> Mapping[str, SeenTarget]:
        """See `Target.seen`. One that is dead exports nothing."""
        found: dict[str, SeenTarget] = {}
        self._most(lambda _, each: found.update(each.seen()))
        return found

    def ensure(self, export: Export) -> None:
        """See `Target.ensure`."""
        self._daemons[self._home(export.iqn)].ensure(export)

    def remove(self, iqn: str) -> None:
        """See `Target.remove`."""
        self._daemons[self._home(iqn)].remove(iqn)

    def reconcile(self, wanted: Mapping[str, Export]) -> Mapping[str, str]:
        """See `Target.reconcile`."""
        shares: list[dict[str, Export]] = [{} for _ in self._daemons]
        for iqn, export in wanted.items():
            shares[self._home(iqn)][iqn] = export
        faults: dict[str, str] = {}
        failed = self._most(lambda number, each: faults.update(each.reconcile(shares[number])))
        for number, error in failed.items():
            LOG.error("%s", self._named(number, error))
            faults.update(dict.fromkeys(shares[number], self._named(number, error)))
        return faults

    def _home(self, iqn: str) -> int:
        return home(iqn, len(self._daemons))

    def _all(self, action: Callable[[Tgt], None]) -> None:
        failed = self._most(lambda _, each: action(each))
        if failed:
            raise Unavailable("; ".join(self._named(number, error) for number, error in failed.items()))

    def _most(self, action: Callable[[int, Tgt], None]) -> Mapping[int, BlockstoreError]:
        """Gives what failed, by the daemon's number. Raises it where that is all of them."""
        failed: dict[int, BlockstoreError] = {}
        for number, each in enumerate(self._daemons):
            try:
                action(number, each)
            except BlockstoreError as error:
                failed[number] = error
        if len(failed) == len(self._daemons):
            raise failed[0]
        return failed

    def _named(self, number: int, error: BlockstoreError) -> str:
        return f"target daemon {number} at {self._daemons[number].portal}: {error}"

    def _end_surplus(self) -> None:
        """End those of a time when there were more of them. Nothing was exported when their number was changed."""
        for number in range(len(self._daemons), MOST):
            if (self._folder / f"tgtd.{number}").exists():
                Tgtd(self._folder, self._settings, number).discard()
