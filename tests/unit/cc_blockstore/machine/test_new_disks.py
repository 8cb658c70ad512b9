"""The kernel's word of a new disk ends a pause early; all else does not."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from blockstore.waiting import CLOCK
from cc_blockstore.machine import new_disks

DISK = b"add@/devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda\0ACTION=add\0SUBSYSTEM=block\0"
OTHERS = (
    b"add@/devices/platform/host2/session1\0ACTION=add\0SUBSYSTEM=iscsi_session\0",
    b"change@/devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda\0ACTION=change\0",
    b"add@/devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sda/sda1\0ACTION=add\0DEVTYPE=partition\0",
    b"add@/devices/virtual/bdi/8:0\0ACTION=add\0MAJOR=8\0NAME=/block/\0",
)


class Ears(socket.socket):
    """One end of a pair, in the place of a netlink socket."""

    def bind(self, address: Any) -> None:
        assert address == (0, 1)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where the kernel speaks."""
    mouth, ears = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ears.setblocking(False)
    heard = Ears(fileno=ears.detach())
    monkeypatch.setattr(socket, "socket", lambda *_: heard)
    with mouth:
        yield mouth


def dozed(kernel: socket.socket, *messages: bytes, seconds: float = 0.2) -> float:
    with new_disks.listening(CLOCK) as doze:
        assert doze is not None
        for each in messages:
            kernel.send(each)
        begun = time.monotonic()
        doze(seconds)
        return time.monotonic() - begun


def test_a_new_disk_ends_it_at_once_even_if_it_came_before(kernel: socket.socket):
    assert dozed(kernel, DISK, seconds=60) < 30


def test_all_else_does_not(kernel: socket.socket):
    assert dozed(kernel, *OTHERS) >= 0.2


def test_a_disk_among_others_is_heard(kernel: socket.socket):
    assert dozed(kernel, OTHERS[0], DISK, *OTHERS[1:], seconds=60) < 30


def test_one_that_comes_meanwhile(kernel: socket.socket):
    with new_disks.listening(CLOCK) as doze:
        assert doze is not None
        later = threading.Timer(0.05, lambda: [kernel.send(OTHERS[0]), kernel.send(DISK)])
        later.start()
        begun = time.monotonic()
        doze(60)
        later.join()
    assert time.monotonic() - begun < 30


def test_where_messages_were_lost_it_is_better_to_look(kernel: socket.socket, monkeypatch: pytest.MonkeyPatch):
    def overrun(_ears: socket.socket, _length: int) -> bytes:
        raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(Ears, "recv", overrun, raising=False)
    assert dozed(kernel, OTHERS[0], seconds=60) < 30


@pytest.mark.parametrize("step", ["socket", "bind"])
def test_where_the_kernel_cannot_be_heard_there_is_no_such_pause(step: str, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    if step == "bind":
        ears = Ears(socket.AF_UNIX, socket.SOCK_DGRAM)
        monkeypatch.setattr(Ears, "bind", refused)
        monkeypatch.setattr(socket, "socket", lambda *_: ears)
    else:
        monkeypatch.setattr(socket, "socket", refused)
    with new_disks.listening(CLOCK) as doze:
        assert doze is None
