"""``[targets]``: what belongs to one driver alone is refused for another."""

from __future__ import annotations

import pytest

from blockstore.portal import Portal
from blockstore.reader import Faults, Reader
from metadata_server.targets import REGISTRY
from metadata_server.targets.settings import TargetSettings, read


def test_nothing_said_is_tgt() -> None:
    faults = Faults()
    assert read(Reader({}, faults), REGISTRY) == TargetSettings("tgt", Portal("127.0.0.1", 3260), "")
    assert not faults


def test_lio_needs_no_more_than_its_portal() -> None:
    faults = Faults()
    found = read(Reader({"driver": "lio", "portal": "[fd00::1]:0"}, faults), REGISTRY)
    assert (found.driver, found.portal, found.any_port) == ("lio", Portal("fd00::1", 0), True)
    assert not faults


@pytest.mark.parametrize(
    ("key", "value"), [("control", "socket"), ("program", "/usr/sbin/tgtd"), ("iothreads", 2), ("daemons", 2)]
)
def test_what_is_tgt_s_is_refused_for_lio(key: str, value: object) -> None:
    faults = Faults()
    read(Reader({"driver": "lio", key: value}, faults, "targets"), REGISTRY)
    assert [str(each) for each in faults] == [f'targets.{key}: is for the driver "tgt" alone, and the driver is "lio"']


def test_each_daemon_has_a_port() -> None:
    faults = Faults()
    found = read(Reader({"portal": "127.0.0.1:3260", "daemons": 3}, faults), REGISTRY)
    assert found.portals == tuple(Portal("127.0.0.1", port) for port in (3260, 3261, 3262))
    assert not faults


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"daemons": 0}, "targets.daemons: must be from 1 to 16, not 0"),
        ({"daemons": 17}, "targets.daemons: must be from 1 to 16, not 17"),
        ({"daemons": "8"}, "targets.daemons: must be a whole number, not a text"),
        ({"daemons": 2, "portal": "127.0.0.1:65535"}, "targets.portal: there are no 2 ports from 65535 on"),
        ({"daemons": 3, "advertised": "10.0.0.1:65534"}, "targets.advertised: there are no 3 ports from 65534 on"),
    ],
)
def test_what_is_no_number_of_daemons(document: dict[str, object], said: str) -> None:
    faults = Faults()
    read(Reader(document, faults, "targets"), REGISTRY)
    [fault] = faults
    assert said in str(fault)


def test_a_driver_that_there_is_not_is_named_with_those_that_are() -> None:
    faults = Faults()
    read(Reader({"driver": "scst"}, faults), REGISTRY)
    assert "tgt" in str(next(iter(faults)))
    assert "lio" in str(next(iter(faults)))
