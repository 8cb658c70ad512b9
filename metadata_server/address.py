"""``ADDRESS:PORT`` in the configuration."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from blockstore.reader import Reader


@dataclass(frozen=True)
class Listener:
    """Where something listens; port 0 picks a free one, and keeps it over restarts."""

    host: str
    port: int


def read_address(reader: Reader, key: str, default: str) -> Listener:
    """The address under this key; a fault where it is none."""
    text = reader.text(key) or default
    host, _, port = text.rpartition(":")
    try:
        address = str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
        if not port.isdecimal() or int(port) > 65535:
            raise ValueError
    except ValueError:
        reader.faults.add(reader.at(key), f"{text!r} is not ADDRESS:PORT such as 127.0.0.1:8775 or [::1]:0")
        return Listener("127.0.0.1", 0)
    return Listener(address, int(port))
