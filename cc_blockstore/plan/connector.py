"""Which of this machine's addresses faces a portal."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from blockstore.values import dataclass


@dataclass(frozen=True)
class Interface:
    """An address of this machine with its prefix length; ``default`` where the default route leaves by it."""

    name: str
    address: str
    prefix: int
    default: bool = False


def facing(host: str, interfaces: Iterable[Interface]) -> str:
    """The address in the same network as ``host``; else the one of the default route, of the same family; else ""."""
    try:
        target = ipaddress.ip_address(host)
    except ValueError:
        target = None
    same_family = [each for each in interfaces if target is None or ipaddress.ip_address(each.address).version == target.version]
    for each in same_family:
        if target is not None and target in ipaddress.ip_network(f"{each.address}/{each.prefix}", strict=False):
            return each.address
    routed = [each for each in same_family if each.default and not ipaddress.ip_address(each.address).is_link_local]
    others = [each for each in same_family if not ipaddress.ip_address(each.address).is_loopback]
    return next((each.address for each in (*routed, *others)), "")
