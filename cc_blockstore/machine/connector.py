"""The connector of this machine."""

from __future__ import annotations

import os
import socket
import urllib.parse

from blockstore.connector import Connector
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine

# Addresses of documentation (RFC 5737, RFC 3849): what lies elsewhere is reached by the same route. Nothing is sent there.
ELSEWHERE = ("192.0.2.1", "2001:db8::1")
DISCARD = 9


def see(machine: Machine, initiator: str, endpoint: str) -> Connector:
    """What this machine says of itself. The portal is not known before the answer, so the address is the one that faces the
    service: it names the host to an operator, while the access list is bound to the initiator name."""
    host = urllib.parse.urlsplit(endpoint).hostname or ""
    name = os.uname()
    return Connector(
        initiator=initiator,
        ip=facing(host),
        host=name.nodename,
        platform=name.machine,
        os_type="linux",
        system_uuid=files.read(f"{machine.paths.sys}/class/dmi/id/product_uuid").strip().lower(),
    )


def facing(host: str) -> str:
    """The address from which the kernel would send to this one; to whatever is elsewhere, where ``host`` is a name, for which a
    resolver may let one wait. "" where no route leads there."""
    numeric = ":" in host or host.replace(".", "").isdecimal()
    return next(filter(None, map(_source, (host,) if numeric else ELSEWHERE)), "")


def _source(address: str) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as line:
            line.connect((address, DISCARD))  # a datagram's connect only chooses the route (udp(7))
            return str(line.getsockname()[0])
    except OSError:
        return ""
