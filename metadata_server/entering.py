"""A server enters its folder: whether it leads, where everything listened last, how many target daemons there are, and whether
the volumes of its database are in there at all."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from metadata_server.configuration import TargetSettings
from metadata_server.domain.errors import Conflict
from metadata_server.peers.claims import Claims
from metadata_server.peers.leadership import Leadership
from metadata_server.state import Addresses, State
from metadata_server.store import Store
from metadata_server.targets import homes
from metadata_server.workflow.shared_keys import FOLDER, shared_text

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entered:
    """``last`` is what was remembered, ``target`` what is done of the configured; ``warnings`` say where these differ."""

    leads: bool
    last: Addresses
    target: TargetSettings
    warnings: tuple[str, ...]


def enter(state: State, wished: TargetSettings, leadership: Leadership, claims: Claims, store: Store) -> Entered:
    """One server at a time: the one who leads writes what it decided before another one reads it. Raises `Conflict` where the
    database is that of another folder."""
    with claims.entering():
        _check_database(state, store)
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


def _check_database(state: State, store: Store) -> None:
    """Servers of another machine would find no file of any volume, and give the attachments up. SQLite is in the folder."""
    if not store.database.shared:
        return
    own = state.identity()
    theirs = shared_text(store, FOLDER, own)
    if theirs != own:
        raise Conflict(
            f"the volumes of this database are in the folder with the id {theirs}; {state.folder} has the id {own}",
            hint=f"start it in that folder, on its machine; where that is gone for good, write its id into {state.identity_file}",
        )


def _exports(store: Store) -> int:
    with store.read() as transaction:
        return transaction.counts.exports()
