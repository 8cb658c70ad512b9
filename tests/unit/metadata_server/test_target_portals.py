"""Where the daemons listen, and as what instances see that."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from blockstore.portal import Portal
from metadata_server.targets.homes import home
from metadata_server.targets.portals import Advertised, fits, of_daemons

HERE = "10.0.0.1"


@dataclass(frozen=True)
class Target:
    portals: tuple[Portal, ...]


def parsed(*texts: str) -> tuple[Portal, ...]:
    return tuple(map(Portal.parse, texts))


@pytest.mark.parametrize(
    ("port", "daemons", "last", "ports"),
    [
        (3260, 1, [], [3260]),
        (3260, 3, [], [3260, 3261, 3262]),
        (3260, 3, [(HERE, 7), (HERE, 8)], [3260, 3261, 3262]),  # what is configured is so
        (0, 1, [], [0]),
        (0, 3, [], [0, 0, 0]),
        (0, 3, [(HERE, 7), (HERE, 9), (HERE, 8)], [7, 9, 8]),  # node records name them
        (0, 3, [(HERE, 7)], [7, 0, 0]),  # there are more of them now
        (0, 1, [(HERE, 7), (HERE, 9)], [7]),
        (0, 2, [("10.0.0.2", 7), (HERE, 9)], [0, 9]),  # it was at another address
        (0, 2, [(HERE, 7), (HERE, 0)], [7, 0]),  # it never ran
    ],
)
def test_where_each_listens(port: int, daemons: int, last: list[tuple[str, int]], ports: list[int]) -> None:
    found = of_daemons(Portal(HERE, port), daemons, [Portal(*each) for each in last])
    assert found == tuple(Portal(HERE, each) for each in ports)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", ["127.0.0.1:4001", "127.0.0.1:4007"]),
        ("10.0.2.2", ["10.0.2.2:4001", "10.0.2.2:4007"]),
        ("san.example", ["san.example:4001", "san.example:4007"]),
        ("fd00::1", ["[fd00::1]:4001", "[fd00::1]:4007"]),
        ("[fd00::1]", ["[fd00::1]:4001", "[fd00::1]:4007"]),
        ("10.0.2.2:3260", ["10.0.2.2:3260", "10.0.2.2:3261"]),
        ("[fd00::1]:860", ["[fd00::1]:860", "[fd00::1]:861"]),
    ],
)
def test_as_what_instances_see_them(text: str, seen: list[str]) -> None:
    found = Advertised(Target(parsed("127.0.0.1:4001", "127.0.0.1:4007")), text)
    assert found.all() == parsed(*seen)
    for iqn in ("iqn.x:a", "iqn.x:b", "iqn.x:c"):
        assert str(found.of(iqn)) == seen[home(iqn, 2)]
    assert {str(found.of(f"iqn.x:{number}")) for number in range(20)} == set(seen)


def test_one_daemon_has_one_portal_whatever_the_target() -> None:
    assert Advertised(Target(parsed("127.0.0.1:4001"))).of("iqn.x:a") == Portal("127.0.0.1", 4001)


@pytest.mark.parametrize(
    ("text", "daemons", "right"), [("h:65535", 1, True), ("h:65535", 2, False), ("h:65520", 16, True), ("h", 16, True)]
)
def test_there_must_be_a_port_for_each(text: str, daemons: int, right: bool) -> None:
    assert fits(text, daemons) is right
