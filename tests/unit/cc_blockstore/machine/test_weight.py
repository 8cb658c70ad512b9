"""Whoever brings the volumes up has the processor first, and everything is as before afterwards."""

from __future__ import annotations

import pytest

from cc_blockstore.machine.weight import Precedence
from tests.unit.fakes import FakeMachine

OWN, DAEMON = "sys/fs/cgroup/system.slice/cloud-config.service", "sys/fs/cgroup/system.slice/iscsid.service"


@pytest.fixture
def groups(fake: FakeMachine) -> FakeMachine:
    """A machine whose services share by weight, as on trixie."""
    fake.write("proc/self/cgroup", "0::/system.slice/cloud-config.service\n")
    fake.write(f"{OWN}/cpu.weight", "100\n")
    fake.write(f"{DAEMON}/cgroup.procs", "337\n338\n")
    fake.write(f"{DAEMON}/cpu.weight", "200\n")
    return fake


@pytest.fixture
def sessions(fake: FakeMachine) -> FakeMachine:
    """One whose sessions share, as on bookworm."""
    fake.write("proc/self/cgroup", "0::/system.slice/cloud-config.service\n")
    fake.write("proc/self/autogroup", "/autogroup-71 nice 0\n")
    fake.write(f"{DAEMON}/cgroup.procs", "337\n")
    fake.write("proc/337/autogroup", "/autogroup-40 nice -3\n")
    return fake


def test_services_that_share_by_weight(groups: FakeMachine):
    with Precedence(groups.machine) as precedence:
        precedence.own()
        precedence.service("iscsid.service")
        assert (groups.read(f"{OWN}/cpu.weight"), groups.read(f"{DAEMON}/cpu.weight")) == ("1000\n", "1000\n")
    assert (groups.read(f"{OWN}/cpu.weight"), groups.read(f"{DAEMON}/cpu.weight")) == ("100\n", "200\n")


def test_sessions_that_share(sessions: FakeMachine):
    with Precedence(sessions.machine) as precedence:
        precedence.own()
        precedence.service("iscsid.service")
        assert (sessions.read("proc/self/autogroup"), sessions.read("proc/337/autogroup")) == ("-10\n", "-10\n")
    assert (sessions.read("proc/self/autogroup"), sessions.read("proc/337/autogroup")) == ("0\n", "-3\n")


def test_asked_again_what_was_before_is_still_what_comes_back(groups: FakeMachine):
    with Precedence(groups.machine) as precedence:
        for _ in range(3):
            precedence.service("iscsid.service")
    assert groups.read(f"{DAEMON}/cpu.weight") == "200\n"


def test_what_fails_meanwhile_leaves_nothing_behind(groups: FakeMachine):
    def fails() -> None:
        with Precedence(groups.machine) as precedence:
            precedence.own()
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        fails()
    assert groups.read(f"{OWN}/cpu.weight") == "100\n"


def test_a_daemon_that_does_not_run_yet_can_be_asked_for_later(groups: FakeMachine):
    groups.write(f"{DAEMON}/cgroup.procs", "")
    with Precedence(groups.machine) as precedence:
        precedence.service("iscsid.service")
        assert groups.read(f"{DAEMON}/cpu.weight") == "200\n"
        groups.write(f"{DAEMON}/cgroup.procs", "337\n")
        precedence.service("iscsid.service")
        assert groups.read(f"{DAEMON}/cpu.weight") == "1000\n"


def test_where_nothing_can_be_set_nothing_is(fake: FakeMachine):
    """A container, another init, the old hierarchy of control groups."""
    fake.write("proc/self/cgroup", "9:name=systemd:/\n1:cpu:/\n")
    before = sorted(fake.root.rglob("*"))
    with Precedence(fake.machine) as precedence:
        precedence.own()
        precedence.service("iscsid.service")
    assert sorted(fake.root.rglob("*")) == before


def test_a_kernel_that_says_no_stops_nothing(groups: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("cc_blockstore.machine.files.tell", refused)
    with Precedence(groups.machine) as precedence:
        precedence.own()
    assert groups.read(f"{OWN}/cpu.weight") == "100\n"


@pytest.mark.parametrize(("own", "daemon"), [("5000\n", "1000\n"), ("0\n", "max\n")])
def test_nobody_loses_what_an_administrator_gave(groups: FakeMachine, own: str, daemon: str):
    groups.write(f"{OWN}/cpu.weight", own)
    groups.write(f"{DAEMON}/cpu.weight", daemon)
    with Precedence(groups.machine) as precedence:
        precedence.own()
        precedence.service("iscsid.service")
        assert groups.read(f"{DAEMON}/cpu.weight") == daemon
    assert (groups.read(f"{OWN}/cpu.weight"), groups.read(f"{DAEMON}/cpu.weight")) == (own, daemon)


def test_nor_a_better_niceness(sessions: FakeMachine):
    sessions.write("proc/self/autogroup", "/autogroup-71 nice -15\n")
    with Precedence(sessions.machine) as precedence:
        precedence.own()
        assert sessions.read("proc/self/autogroup") == "/autogroup-71 nice -15\n"
