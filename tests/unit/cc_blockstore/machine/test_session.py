"""Sessions in sysfs; one batch for all, each volume waiting for its own; closing one."""

from __future__ import annotations

import pytest

from blockstore.errors import CommandFailed, LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline
from cc_blockstore.machine import session
from cc_blockstore.plan.session import Connected
from tests.unit.fakes import FakeMachine

IQN = "iqn.2010-10.org.openstack:volume-1"
PATH, SIX = IscsiPath(Portal("10.0.0.1"), IQN, 1), IscsiPath(Portal("fd00::1"), IQN, 1)
LOGIN = ("iscsiadm", "-m", "node", "--loginall=onboot")
LOGOUT = ("iscsiadm", "-m", "node", "-T", IQN, "-p", "10.0.0.1:3260", "--logout")


@pytest.mark.parametrize("path", [PATH, SIX])
def test_a_session_is_found_by_target_and_portal(fake: FakeMachine, path):
    fake.session(path, 7)
    found = session.find(fake.machine, path)
    assert found is not None
    assert (found.name, found.iqn, found.host, found.port) == ("session7", IQN, path.portal.host, 3260)
    for other in (IscsiPath(Portal("10.0.0.2"), IQN, 1), IscsiPath(Portal(path.portal.host, 3261), IQN, 1)):
        assert session.find(fake.machine, other) is None


def test_a_session_that_is_going_away_is_no_error(fake: FakeMachine):
    (fake.root / "sys/class/iscsi_session/session3").mkdir()
    assert session.see(fake.machine)[0].port == 0
    assert session.find(fake.machine, PATH) is None


@pytest.mark.parametrize(("state", "seen"), [
    ("LOGGED_IN", Connected.YES), ("FAILED", Connected.RECOVERING), ("FREE", Connected.NO), ("", Connected.NO),
])  # fmt: skip
def test_what_a_state_means(fake: FakeMachine, state, seen):
    fake.session(PATH, state=state)
    assert session.connected(session.find(fake.machine, PATH)) is seen


def test_no_session():
    assert session.connected(None) is Connected.NO


def begun(fake: FakeMachine, *paths: IscsiPath) -> session.Login:
    login = session.Login(fake.machine, paths, Deadline.after(10, fake.clock))
    login.start()
    return login


def test_nothing_to_log_in_to_starts_nothing(fake: FakeMachine):
    begun(fake).finish()
    assert fake.runner.ran == []


def test_one_process_for_all(fake: FakeMachine):
    fake.runner.expect(*LOGIN, then=lambda command: [fake.session(PATH, 1), fake.session(SIX, 2)].clear())
    login = begun(fake, PATH, SIX)
    login.wait(PATH)
    login.wait(SIX)
    login.finish()
    assert fake.runner.timeouts[0] > 10, "killed iscsiadm leaves its lock behind"


@pytest.mark.parametrize("code", [0, 1, 4, 5, 6, 8, 11, 12, 15, 19, 20, 21, 24])
def test_every_exit_code_of_a_login_becomes_a_reason(fake: FakeMachine, code):
    fake.runner.expect(*LOGIN, code=code)
    with pytest.raises(LoginFailed, match=r"10\.0\.0\.1:3260"):
        begun(fake, PATH).wait(PATH)


def test_an_unknown_code_and_a_missing_program(fake: FakeMachine):
    fake.runner.expect(*LOGIN, code=77, stderr="odd")
    with pytest.raises(LoginFailed, match=r"could not log in .* ended with 77: odd"):
        begun(fake, PATH).wait(PATH)

    def missing(command: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "iscsiadm")

    fake.runner.expect(*LOGIN, then=missing)
    with pytest.raises(FileNotFoundError):
        begun(fake, PATH).wait(PATH)
    assert fake.clock.now < 1005, "told at once, not at the deadline"


def test_logout_waits_until_the_kernel_is_done(fake: FakeMachine):
    fake.session(PATH)
    fake.runner.expect(*LOGOUT, then=lambda command: fake.end_session(1))
    session.logout(fake.machine, PATH, Deadline.after(10, fake.clock))


def test_logout_of_no_session_starts_nothing(fake: FakeMachine):
    session.logout(fake.machine, PATH, Deadline.after(10, fake.clock))


def test_a_logout_that_fails_is_an_error(fake: FakeMachine):
    fake.session(PATH)
    fake.runner.expect(*LOGOUT, code=9, stderr="busy")
    with pytest.raises(CommandFailed):
        session.logout(fake.machine, PATH, Deadline.after(10, fake.clock))


def test_a_session_that_comes_with_the_end_of_the_process_is_not_missed(fake: FakeMachine, monkeypatch):
    """Seen under strace in a guest: iscsiadm ended between the look for the session and the question whether it had ended."""
    login = session.Login(fake.machine, [PATH], Deadline.after(10, fake.clock))
    find, looks = session.find, []

    def late(machine, path):
        found = find(machine, path)
        if not looks:  # the process makes the session and ends while its result is on the way to us
            fake.session(PATH)
            login._outcome.set_result("exit code 0")
        looks.append(found)
        return found

    monkeypatch.setattr(session, "find", late)
    login.wait(PATH)
    assert looks[0] is None
    assert len(looks) == 2
