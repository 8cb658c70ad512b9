"""A cable between two guests: frames go as datagrams through a pair of sockets.

It needs no port, no path and no privileges, and outlives reboots of both.
"""

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_MACS = ("52:54:00:b1:0d:01", "52:54:00:b1:0d:02")


@dataclass(frozen=True)
class Plug:
    """One end of a cable: the number of an open socket that QEMU inherits, and the address of the guest's second network card."""

    descriptor: int
    mac: str


class Link:
    """A cable in a `with` block; `plugs` are its two ends, each for one guest."""

    def __init__(self) -> None:
        self._ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        first, second = (Plug(end.fileno(), mac) for end, mac in zip(self._ends, _MACS, strict=True))
        self.plugs = (first, second)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for end in self._ends:
            end.close()
