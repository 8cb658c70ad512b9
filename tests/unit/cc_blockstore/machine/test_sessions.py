"""Where sessions lead is read once; what may change is read every time."""

from __future__ import annotations

import pytest

from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from cc_blockstore.machine import files
from cc_blockstore.machine.sessions import End, Sessions
from tests.unit.fakes import FakeMachine

PATHS = [IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.org.openstack:volume-{number}", 1) for number in range(1, 5)]


def end(path: IscsiPath) -> End:
    return End(path.iqn, path.portal.host, path.portal.port)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    read = files.read
    monkeypatch.setattr(files, "read", lambda path: found.append("/".join(str(path).split("/")[-2:])) or read(path))
    return found


def test_a_session_is_read_once_and_then_asked_whether_it_is_still_the_one(fake: FakeMachine, reads: list[str]):
    sessions = Sessions()
    for number, path in enumerate(PATHS, 1):
        fake.session(path, number)
    assert sessions.name(fake.paths.sys, end(PATHS[2])) == "session3"
    assert len(reads) == 3 * len(PATHS)
    reads.clear()
    assert sessions.name(fake.paths.sys, end(PATHS[2])) == "session3"
    assert reads == ["session3/targetname"]
    assert len(sessions.named(fake.paths.sys)) == len(PATHS)
    assert reads == ["session3/targetname"]


def test_one_that_ended_is_forgotten_and_one_that_came_is_found(fake: FakeMachine):
    sessions = Sessions()
    fake.session(PATHS[0], 1)
    assert sessions.name(fake.paths.sys, end(PATHS[0])) == "session1"
    fake.end_session(1)
    assert sessions.name(fake.paths.sys, end(PATHS[0])) == ""
    fake.session(PATHS[1], 1)  # the kernel does not, but a reloaded module would
    assert sessions.named(fake.paths.sys) == {end(PATHS[1]): "session1"}


def test_one_in_the_making_is_read_again(fake: FakeMachine):
    sessions = Sessions()
    (fake.root / "sys/class/iscsi_session/session1").mkdir()
    assert sessions.named(fake.paths.sys) == {}
    fake.session(PATHS[0], 1)
    assert sessions.named(fake.paths.sys) == {end(PATHS[0]): "session1"}


def test_without_the_kernel_s_module_there_is_none(fake: FakeMachine):
    (fake.root / "sys/class/iscsi_session").rmdir()
    assert Sessions().name(fake.paths.sys, end(PATHS[0])) == ""


def test_a_connection_of_another_number(fake: FakeMachine):
    fake.session(PATHS[0], 1)
    (fake.root / "sys/class/iscsi_connection/connection1:0").rename(fake.root / "sys/class/iscsi_connection/connection1:3")
    assert Sessions().name(fake.paths.sys, end(PATHS[0])) == "session1"
