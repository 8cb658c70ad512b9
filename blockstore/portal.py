"""A portal: the address and port at which a target listens. IPv6 brackets are handled here, once."""

from __future__ import annotations

import ipaddress
import re

from blockstore.reader import shown
from blockstore.values import dataclass

ISCSI_PORT = 3260
LONGEST_HOST = 253  # RFC 1035, section 2.3.4, as text
# The zone of a link-local address is an interface; `ipaddress` takes nearly anything for one.
_ZONE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}"


@dataclass(frozen=True, order=True)
class Portal:
    """``host`` is an IP address without brackets, or a host name; ``port`` a TCP port."""

    host: str
    port: int = ISCSI_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Portal:
        """``10.0.0.1:3260``, ``[fd00::1]:3260``, ``fd00::1``, ``san.example``, with or without the ``,1`` of a portal
        group. Raises ValueError saying what is wrong."""
        host, port = _split(text.partition(",")[0].strip())
        if not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
            raise ValueError(f"{shown(text)}: {shown(port)} is not a port")
        return cls(_host(host, text), int(port))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{shown(text)} is not ADDRESS:PORT")
        return host, rest[1:] or str(ISCSI_PORT)
    if text.count(":") > 1:
        return text, str(ISCSI_PORT)
    host, _, port = text.partition(":")
    return host, port or str(ISCSI_PORT)


def _host(host: str, text: str) -> str:
    address, percent, zone = host.partition("%")
    try:
        found = str(ipaddress.ip_address(address))
    except ValueError:
        return _host_name(host, text)
    if percent and not (":" in found and re.fullmatch(_ZONE, zone)):
        raise ValueError(f"{shown(text)}: {shown(zone)} is not an interface")
    return f"{found}{percent}{zone}"


def _host_name(host: str, text: str) -> str:
    labels = host.rstrip(".").split(".")
    right = all(label.replace("-", "").isalnum() and label.isascii() for label in labels)
    if ":" in host or not right or len(host) > LONGEST_HOST:
        raise ValueError(f"{shown(text)}: {shown(host)} is neither an address nor a host name")
    if all(label.isdecimal() for label in labels):
        raise ValueError(f"{shown(text)}: {shown(host)} is not an address")
    return host
