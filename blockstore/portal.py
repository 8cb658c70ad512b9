"""A portal: the address and port at which a target listens. IPv6 brackets are handled here, once."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

ISCSI_PORT = 3260


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
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r}: {port!r} is not a port")
        return cls(_host(host, text), int(port))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is not ADDRESS:PORT")
        return host, rest[1:] or str(ISCSI_PORT)
    if text.count(":") > 1:
        return text, str(ISCSI_PORT)
    host, _, port = text.partition(":")
    return host, port or str(ISCSI_PORT)


def _host(host: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        labels = host.rstrip(".").split(".")
        if ":" in host or not all(label.replace("-", "").isalnum() and label.isascii() for label in labels):
            raise ValueError(f"{text!r}: {host!r} is neither an address nor a host name") from None
        if all(label.isdecimal() for label in labels):
            raise ValueError(f"{text!r}: {host!r} is not an address") from None
        return host
