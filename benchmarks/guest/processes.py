"""Counting processes by the kernel's own word: proc events over netlink (include/uapi/linux/cn_proc.h).

Nothing is traced and nothing runs beside what is measured: the kernel queues the events, they are read afterwards.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CN_IDX_PROC, PROC_CN_MCAST_LISTEN, NLMSG_DONE = 1, 1, 3
NETLINK_CONNECTOR, SO_RCVBUFFORCE = 11, 33
FORK = 0x1
BUFFER = 128 << 20
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_MESSAGE = struct.Struct("=IIIIHH")  # cn_msg
_EVENT = struct.Struct("=IIQ")  # proc_event: what, cpu, timestamp_ns
_FORK = struct.Struct("=iiii")  # parent's thread and process, child's thread and process


@dataclass(frozen=True)
class Started:
    """Processes that were started (a thread is none): by what is measured and its children, and on the whole machine."""

    own: int
    machine: int


class Watch:
    """Listens from its making on."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self._socket.bind((os.getpid(), CN_IDX_PROC))
        body = _MESSAGE.pack(CN_IDX_PROC, 1, 0, 0, 4, 0) + struct.pack("=I", PROC_CN_MCAST_LISTEN)
        self._socket.send(_HEADER.pack(_HEADER.size + len(body), NLMSG_DONE, 0, 0, os.getpid()) + body)
        self._socket.setblocking(False)

    def of(self, root: int) -> Started:
        """What was started since the last call by the process ``root``, which does not count itself. Raises OSError (ENOBUFS)
        where events were lost."""
        return counted(forks(self._events()), root)

    def _events(self) -> Iterator[bytes]:
        while True:
            try:
                yield self._socket.recv(1 << 16)
            except BlockingIOError:
                return


def forks(events: Iterable[bytes]) -> Iterator[tuple[int, int]]:
    """Parent and child of every fork among these datagrams that made a process, not a thread."""
    place = _HEADER.size + _MESSAGE.size
    for data in events:
        if _EVENT.unpack_from(data, place)[0] == FORK:
            _, parent, thread, child = _FORK.unpack_from(data, place + _EVENT.size)
            if thread == child:
                yield parent, child


def counted(pairs: Iterable[tuple[int, int]], root: int) -> Started:
    """Who descends from ``root``, and how many there are in all."""
    family, machine = {root}, 0
    for parent, child in pairs:
        machine += child != root
        if parent in family:
            family.add(child)
    return Started(len(family) - 1, machine)
