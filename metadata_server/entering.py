"""A server enters its folder: whether it leads, where everything listened last, and how many target daemons there are."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from metadata_server.configuration import TargetSettings
from metadata_server.peers.claims import Claims
from metadata_server.peers.leadership import Leadership
from metadata_server.state import Addresses, State
from metadata_server.store import Store
from metadata_server.targets import homes

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entered:
    """``last`` is what was remembered, ``target`` what is done of the configured; ``warnings`` say where these differ."""

    leads: bool
    last: Addresses
    target: TargetSettings
    warnings: tuple[str, ...]


def enter(state: State, wished: TargetSettings, leadership: Leadership, claims: Claims, store: Store) -> Entered:
    """One server at a time: the one who leads writes what it decided before another one reads it."""
    with claims.entering():
        alone, leads = claims.alone(), leadership.seize()
        last = state.addresses()
        there = len(last.listening) if wished.several else 0
        free = leads and alone and (there == wished.daemons or not _exports(store))
        count = homes.count(wished.daemons, there, free=free)
        target = replace(wished, daemons=count.daemons, last=last.listening)
        if leads:
            # Those who follow show the same token, and go by the same number.
            state.write(replace(last, portals=tuple(map(str, target.portals))), state.token())
    if count.warning:
        LOG.warning("%s", count.warning)
    return Entered(leads, last, target, (count.warning,) if count.warning else ())


def _exports(store: Store) -> int:
    with store.read() as transaction:
        return transaction.counts.exports()
