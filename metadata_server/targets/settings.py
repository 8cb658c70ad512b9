"""``[targets]`` of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from blockstore.portal import Portal
from blockstore.reader import Reader
from metadata_server.address import read_address
from metadata_server.backends.sparse import path_fault
from metadata_server.targets import portals
from metadata_server.targets.homes import MOST
from metadata_server.targets.portals import LAST_PORT

# What only a daemon of our own has.
TGT_KEYS = ("control", "program", "iothreads", "daemons")


@dataclass(frozen=True)
class TargetSettings:
    """``portal`` and ``advertised`` (the portal as instances see it: "" the same address, else ADDRESS or ADDRESS:PORT) are of
    the first of ``daemons``. ``last``: where these were at the last run. ``alone``: no other server uses the same ones."""

    driver: str
    portal: Portal
    advertised: str
    control: str = "socket"
    program: str = "/usr/sbin/tgtd"
    iothreads: int = 2
    daemons: int = 1
    last: tuple[Portal, ...] = ()
    alone: bool = False

    @property
    def any_port(self) -> bool:
        """Whether the port may be any free one."""
        return self.portal.port == 0

    @property
    def several(self) -> bool:
        """Whether the driver has daemons, of which there may be several."""
        return self.driver == "tgt"

    @property
    def portals(self) -> tuple[Portal, ...]:
        """Where each daemon shall listen; port 0 is any free one."""
        return portals.of_daemons(self.portal, self.daemons, self.last)


def read(reader: Reader, drivers: Iterable[str]) -> TargetSettings:
    """``drivers`` are the names in the registry."""
    reader.only(("driver", "portal", "advertised", *TGT_KEYS))
    driver = reader.choice("driver", drivers) or "tgt"
    for key in TGT_KEYS:
        if key in reader and driver != "tgt":
            reader.faults.add(reader.at(key), f'is for the driver "tgt" alone, and the driver is "{driver}"')
    portal = read_address(reader, "portal", "127.0.0.1:3260")
    daemons = reader.integer("daemons", least=1, most=MOST) or 1
    if portal.port + daemons - 1 > LAST_PORT:
        reader.faults.add(reader.at("portal"), f"there are no {daemons} ports from {portal.port} on, one for each of the daemons")
    return TargetSettings(
        driver=driver,
        portal=Portal(portal.host, portal.port),
        advertised=reader.text("advertised", check=partial(_advertised_fault, daemons)) or "",
        control=reader.choice("control", ("socket", "tgtadm")) or "socket",
        program=reader.text("program", check=path_fault) or "/usr/sbin/tgtd",
        iothreads=reader.integer("iothreads", least=1, most=64) or 2,
        daemons=daemons,
    )


def _advertised_fault(daemons: int, text: str) -> str | None:
    try:
        port = Portal.parse(text).port
    except ValueError as error:
        return str(error)
    return None if portals.fits(text, daemons) else f"there are no {daemons} ports from {port} on, one for each of the daemons"
