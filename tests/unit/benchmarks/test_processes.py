"""The kernel's datagrams as counts: threads are no processes, grandchildren belong to the family, strangers do not."""

from __future__ import annotations

import struct

from benchmarks.guest.processes import Started, counted, forks

FORK, EXIT = 1, 0x80000000


def datagram(what: int, *fields: int) -> bytes:
    header = struct.pack("=IHHII", 76, 3, 0, 0, 0) + struct.pack("=IIIIHH", 1, 1, 0, 0, 40, 0)
    return header + struct.pack("=IIQ", what, 0, 0) + struct.pack("=iiii", *fields)


def test_a_thread_and_an_exit_are_no_process() -> None:
    process, thread, end = datagram(FORK, 10, 10, 11, 11), datagram(FORK, 10, 10, 12, 10), datagram(EXIT, 11, 11, 0, 0)
    assert list(forks([process, thread, end])) == [(10, 11)]


def test_a_thread_s_child_is_its_process_s() -> None:
    assert list(forks([datagram(FORK, 12, 10, 13, 13)])) == [(10, 13)]


def test_children_and_grandchildren_count_and_the_root_does_not() -> None:
    assert counted([(1, 10), (10, 11), (11, 12), (1, 20)], root=10) == Started(own=2, machine=3)


def test_nothing_happened() -> None:
    assert counted([], root=10) == Started(0, 0)
