"""The kernel's word that it has a new disk: uevents (netlink(7), NETLINK_KOBJECT_UEVENT; lib/kobject_uevent.c).

sysfs and the device's node are complete when it comes. It may be lost, and a container hears nothing: it ends a pause early, and
what is there is looked at all the same.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Callable, Iterator

from blockstore.waiting import Clock

# linux/netlink.h; group 1 is the kernel's own, udev sends to group 2.
NETLINK_KOBJECT_UEVENT, KERNEL = 15, 1
LONGEST_MESSAGE = 1 << 13  # BUFFER of lib/kobject_uevent.c is 2 KiB

# Lets so many seconds pass, or fewer.
Doze = Callable[[float], None]


@contextlib.contextmanager
def listening(clock: Clock) -> Iterator[Doze | None]:
    """A way to doze until the kernel has a new disk; None where it cannot be heard. What comes between two dozes is heard."""
    try:
        ears = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT)
    except OSError:
        yield None
        return
    with ears:
        try:
            ears.bind((0, KERNEL))
        except OSError:
            yield None
            return
        poll = select.poll()
        poll.register(ears, select.POLLIN)
        yield lambda seconds: _doze(ears, poll, clock.monotonic() + seconds, clock)


def _doze(ears: socket.socket, poll: select.poll, until: float, clock: Clock) -> None:
    while (left := until - clock.monotonic()) > 0:
        if poll.poll(left * 1000) and _disk(ears):
            return


def _disk(ears: socket.socket) -> bool:
    """Whether one of the messages that lie there tells of a disk. Some may have been lost (ENOBUFS): then perhaps."""
    found = False
    while True:
        try:
            message = ears.recv(LONGEST_MESSAGE)
        except BlockingIOError:
            return found
        except OSError:
            return True
        found |= _is_new_disk(message.partition(b"\0")[0])


def _is_new_disk(line: bytes) -> bool:
    """``add@/devices/…/block/sda``; a partition has the name of its disk before its own."""
    return line.startswith(b"add@") and line.rpartition(b"/")[0].endswith(b"/block")
