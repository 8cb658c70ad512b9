"""Which address faces the service: the kernel says so, and nobody is asked for a name."""

from __future__ import annotations

import socket

import pytest

from cc_blockstore.machine import connector


def routes(*there: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with routes to these alone; the addresses that are asked for."""
    asked: list[str] = []

    class Line(socket.socket):
        def connect(self, address) -> None:
            asked.append(address[0])
            if address[0] not in there:
                raise OSError(101, "Network is unreachable")

        def getsockname(self):
            return (f"source of {asked[-1]}", 40000)

    monkeypatch.setattr(socket, "socket", Line)
    return asked


def test_without_a_route_there_is_no_address(monkeypatch: pytest.MonkeyPatch):
    asked = routes(monkeypatch=monkeypatch)
    assert connector.facing("198.51.100.1") == connector.facing("2001:db8:1::1") == connector.facing("san.example") == ""
    assert asked == ["198.51.100.1", "2001:db8:1::1", *connector.ELSEWHERE]


def test_no_name_is_resolved(monkeypatch: pytest.MonkeyPatch):
    asked = routes("2001:db8::1", monkeypatch=monkeypatch)
    assert connector.facing("san.example") == "source of 2001:db8::1"  # a machine with the newer protocol alone
    assert set(asked) == set(connector.ELSEWHERE)
