"""Where each of a server's target daemons listens, and as what instances see that. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from blockstore.portal import Portal
from metadata_server.targets.homes import home

LAST_PORT = 65535


def of_daemons(first: Portal, daemons: int, last: Sequence[Portal]) -> tuple[Portal, ...]:
    """Consecutive ports from ``first``. Where that says 0 each goes on where it was ``last``; a new one has 0, any free one."""
    if first.port:
        return tuple(replace(first, port=first.port + number) for number in range(daemons))
    known = [each if each.host == first.host else first for each in last[:daemons]]
    return (*known, *[first] * (daemons - len(known)))


def fits(text: str, daemons: int) -> bool:
    """Whether so many ports begin with the one that is advertised."""
    return _bare(text) or Portal.parse(text).port + daemons - 1 <= LAST_PORT


class Listening(Protocol):
    """What knows where the daemons listen."""

    @property
    def portals(self) -> tuple[Portal, ...]:
        """One a daemon, in their order."""


@dataclass(frozen=True)
class Advertised:
    """The portals as instances see them. ``text`` is ``[targets] advertised``: "" the same; ADDRESS with each daemon's real port;
    ADDRESS:PORT for the first one, and the next ports for the others."""

    target: Listening
    text: str = ""

    def all(self) -> tuple[Portal, ...]:
        """One a daemon, in their order."""
        return tuple(self._seen(number, portal) for number, portal in enumerate(self.target.portals))

    def of(self, iqn: str) -> Portal:
        """Where an instance logs in to this target."""
        portals = self.target.portals
        number = home(iqn, len(portals))
        return self._seen(number, portals[number])

    def _seen(self, number: int, portal: Portal) -> Portal:
        if not self.text:
            return portal
        first = Portal.parse(self.text)
        return replace(first, port=portal.port if _bare(self.text) else first.port + number)


def _bare(text: str) -> bool:
    """Whether this is an address without a port."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return ":" not in text
    return True
