"""Sessions in sysfs; one batch for all, each volume waiting for its own; closing one."""

from __future__ import annotations

import re

import pytest

from blockstore.errors import CommandFailed, LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import session
from cc_blockstore.plan.session import Connected
from cc_blockstore.protocols.iscsi import Iscsi
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
    assert (found.name, found.state) == ("session7", "LOGGED_IN")
    assert session.find_all(fake.machine, [path]) == {path: found}
    for other in (IscsiPath(Portal("10.0.0.2"), IQN, 1), IscsiPath(Portal(path.portal.host, 3261), IQN, 1)):
        assert session.find(fake.machine, other) is None


def test_a_session_that_is_going_away_is_no_error(fake: FakeMachine):
    (fake.root / "sys/class/iscsi_session/session3").mkdir()
    assert session.find(fake.machine, PATH) is None
    assert session.find_all(fake.machine, [PATH]) == {PATH: None}


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


def wait(login: session.Login, *paths: IscsiPath) -> dict[IscsiPath, session.Trouble | None]:
    """Until all of them have arrived."""
    found: dict[IscsiPath, session.Trouble | None] = {}

    def look() -> bool | None:
        found.update(login.arrived([path for path in paths if path not in found]))
        return len(found) == len(paths) or None

    wait_for("the logins", look, Deadline.after(10, login._machine.clock))
    return found


def test_nothing_to_log_in_to_starts_nothing(fake: FakeMachine):
    begun(fake).finish()
    assert fake.runner.ran == []


def test_one_process_for_all(fake: FakeMachine):
    fake.runner.expect(*LOGIN, then=lambda command: [fake.session(PATH, 1), fake.session(SIX, 2)].clear())
    login = begun(fake, PATH, SIX)
    assert wait(login, PATH, SIX) == {PATH: None, SIX: None}
    login.finish()
    assert fake.runner.timeouts[0] > 10, "killed iscsiadm leaves its lock behind"


def test_a_record_that_cannot_be_changed_fails_its_own_volume_alone(fake: FakeMachine, monkeypatch):
    other, third = (IscsiPath(Portal("10.0.0.9", port), IQN, 1) for port in (3260, 3261))

    def set_startup(machine: object, path: IscsiPath, startup: str) -> None:
        if path == other:
            raise OSError(30, "Read-only file system")

    monkeypatch.setattr(session.record, "set_startup", set_startup)
    fake.runner.expect(*LOGIN, then=lambda _: fake.session(PATH))
    login = Iscsi().login(fake.machine, [PATH, other, third], Deadline.after(10, fake.clock))
    found = wait(login, PATH, other)
    login.finish()
    assert (found[PATH], str(found[other])) == (None, "[Errno 30] Read-only file system")


def test_a_record_that_cannot_be_put_back_is_no_failure(fake: FakeMachine, monkeypatch):
    def set_startup(machine: object, path: IscsiPath, startup: str) -> None:
        raise OSError(28, "No space left on device")

    fake.runner.expect(*LOGIN, then=lambda _: fake.session(PATH))
    login = begun(fake, PATH)
    monkeypatch.setattr(session.record, "set_startup", set_startup)
    login.finish()
    assert wait(login, PATH) == {PATH: None}


@pytest.mark.parametrize("code", [0, 1, 4, 5, 6, 8, 11, 12, 15, 19, 20, 21, 24])
def test_every_exit_code_of_a_login_becomes_a_reason(fake: FakeMachine, code):
    fake.runner.expect(*LOGIN, code=code)
    trouble = wait(begun(fake, PATH), PATH)[PATH]
    assert isinstance(trouble, LoginFailed)
    assert "10.0.0.1:3260" in str(trouble)


def test_an_unknown_code_and_a_missing_program(fake: FakeMachine):
    fake.runner.expect(*LOGIN, code=77, stderr="odd")
    trouble = wait(begun(fake, PATH), PATH)[PATH]
    assert isinstance(trouble, LoginFailed)
    assert re.search("could not log in .* ended with 77: odd", str(trouble))

    def missing(command: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "iscsiadm")

    fake.runner.expect(*LOGIN, then=missing)
    assert isinstance(wait(begun(fake, PATH), PATH)[PATH], FileNotFoundError)
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
    find, looks = session.find_all, []

    def late(machine, paths):
        found = find(machine, paths)
        if not looks:  # the process makes the session and ends while its result is on the way to us
            fake.session(PATH)
            login._outcome.set_result("exit code 0")
        looks.append(found)
        return found

    monkeypatch.setattr(session, "find_all", late)
    assert wait(login, PATH) == {PATH: None}
    assert looks[0] == {PATH: None}
    assert len(looks) == 2
