"""The guard guards: without this, a hole in it would be seen by nobody."""

from __future__ import annotations

import socket
import subprocess

import pytest

from blockstore.errors import CommandFailed
from blockstore.run import Command, run
from tests.unit.fakes import FakeClock, FakeRunner

pytest_plugins = ["pytester"]


def test_a_fake_runner_fails_on_what_nobody_expected() -> None:
    runner = FakeRunner()
    runner.expect("mkfs.ext4", ...)
    with pytest.raises(pytest.fail.Exception, match=r"unexpected command: mkfs\.xfs /dev/sda"):
        runner(Command(("mkfs.xfs", "/dev/sda")), timeout=1)
    with pytest.raises(AssertionError, match="unexpected"):
        runner.check()


def test_a_fake_runner_fails_on_what_never_ran() -> None:
    runner = FakeRunner()
    runner.expect("mount", "/srv")
    with pytest.raises(AssertionError, match="never ran"):
        runner.check()


def test_a_fake_runner_treats_exit_codes_as_the_real_one_does() -> None:
    runner = FakeRunner()
    runner.expect("blkid", code=2)
    runner.expect("blkid", code=2)
    assert runner(Command(("blkid",), ok=(0, 2)), timeout=1).code == 2
    with pytest.raises(CommandFailed):
        runner(Command(("blkid",)), timeout=1)


def test_a_fake_clock_advances_by_what_is_slept() -> None:
    clock = FakeClock(10)
    clock.sleep(2.5)
    assert clock.monotonic() == 12.5


GUARDED = """
import socket, subprocess, threading
import pytest
from blockstore.run import Command, run

def test_process(): subprocess.run(["true"])
def test_runner(): run(Command(("true",)), timeout=1)
def test_socket(): socket.create_connection(("127.0.0.1", 1))
def test_swallowed():
    try: subprocess.run(["true"])
    except BaseException: pass
@pytest.mark.real_processes
def test_lifted(): subprocess.run(["true"], check=True)
"""


@pytest.mark.real_processes
def test_any_real_process_or_socket_fails_the_test(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> None:
    conftest = pytestconfig.rootpath / "tests/unit/conftest.py"
    pytester.makeconftest(conftest.read_text())
    pytester.makepyfile(GUARDED)
    outcomes = pytester.runpytest_inprocess("-p", "no:cacheprovider").parseoutcomes()
    assert outcomes["passed"] == 1 + 1  # test_swallowed itself passes, and fails at its end
    assert (outcomes["failed"], outcomes["errors"]) == (3, 4)


def test_the_real_modules_are_put_back() -> None:
    assert socket.socket is not None
    assert subprocess.Popen.__name__ == "Popen"
    assert run is not None
