"""``[targets]`` of the configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blockstore.portal import Portal
from blockstore.reader import Reader
from metadata_server.address import read_address
from metadata_server.backends.sparse import path_fault

# What only a daemon of our own has.
TGT_KEYS = ("control", "program", "iothreads")


@dataclass(frozen=True)
class TargetSettings:
    """``advertised`` is the portal as instances see it: "" the same address, else ADDRESS or ADDRESS:PORT. ``alone``: no other
    server uses the same daemon."""

    driver: str
    portal: Portal
    advertised: str
    control: str = "socket"
    program: str = "/usr/sbin/tgtd"
    iothreads: int = 2
    alone: bool = False

    @property
    def any_port(self) -> bool:
        """Whether the port may be any free one."""
        return self.portal.port == 0


def read(reader: Reader, drivers: Iterable[str]) -> TargetSettings:
    """``drivers`` are the names in the registry."""
    reader.only(("driver", "portal", "advertised", *TGT_KEYS))
    driver = reader.choice("driver", drivers) or "tgt"
    for key in TGT_KEYS:
        if key in reader and driver != "tgt":
            reader.faults.add(reader.at(key), f'is for the driver "tgt" alone, and the driver is "{driver}"')
    portal = read_address(reader, "portal", "127.0.0.1:3260")
    return TargetSettings(
        driver=driver,
        portal=Portal(portal.host, portal.port),
        advertised=reader.text("advertised", check=_advertised_fault) or "",
        control=reader.choice("control", ("socket", "tgtadm")) or "socket",
        program=reader.text("program", check=path_fault) or "/usr/sbin/tgtd",
        iothreads=reader.integer("iothreads", least=1, most=64) or 2,
    )


def _advertised_fault(text: str) -> str | None:
    try:
        Portal.parse(text)
    except ValueError as error:
        return str(error)
    return None
