"""The connector of this machine."""

from __future__ import annotations

import os
import urllib.parse

from blockstore.connector import Connector
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.connector import Interface, facing


def see(machine: Machine, initiator: str, endpoint: str) -> Connector:
    """What this machine says of itself. The portal is not known before the answer, so the address is the one that faces the
    service: it names the host to an operator, while the access list is bound to the initiator name."""
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    name = os.uname()
    return Connector(
        initiator=initiator,
        ip=facing(host, interfaces()),
        host=name.nodename,
        platform=name.machine,
        os_type="linux",
        system_uuid=files.read(machine.paths.sys / "class/dmi/id/product_uuid").strip().lower(),
    )


def interfaces() -> tuple[Interface, ...]:
    """All addresses of this machine, by netifaces."""
    import netifaces  # late: only a first attach asks

    defaults = {gateway[1] for gateway in netifaces.gateways().get("default", {}).values()}
    found = []
    for name in netifaces.interfaces():
        addresses = netifaces.ifaddresses(name)
        for family in (netifaces.AF_INET, netifaces.AF_INET6):
            for entry in addresses.get(family, ()):
                address = entry["addr"].partition("%")[0]
                found.append(Interface(name, address, _prefix(entry.get("netmask", "")), name in defaults))
    return tuple(found)


def _prefix(netmask: str) -> int:
    """255.255.255.0, ffff:ffff::/64 or ffff:ffff:ffff:ffff:: as a prefix length."""
    if "/" in netmask:
        return int(netmask.rpartition("/")[2])
    if ":" in netmask:
        return sum(bin(int(group, 16)).count("1") for group in netmask.split(":") if group)
    return sum(bin(int(octet)).count("1") for octet in netmask.split(".") if octet)
