"""The unit tier: nothing is real. A process or a network connection fails the test, wherever and in whatever thread."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.unit.fakes import FakeClock, FakeMachine, FakeRunner

PROCESSES = "real_processes"

# A shared machine makes no promise about the time of one example; the whole tier has its own limit.
settings.register_profile("unit", deadline=None, max_examples=20)
settings.load_profile("unit")


def pytest_configure(config: pytest.Config) -> None:
    """The one exception has a name, so that it can be found."""
    config.addinivalue_line("markers", f"{PROCESSES}: this unit test may start real processes (the runner's own test)")


@pytest.fixture(autouse=True)
def nothing_is_real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail on real processes and sockets. What runs in a thread may swallow the failure, so it is told again at the end."""
    touched: list[str] = []

    def forbid(what: str) -> object:
        def forbidden(*args: object, **kwargs: object) -> None:
            touched.append(what)
            pytest.fail(f"a unit test must not touch the machine: {what}")

        return forbidden

    if request.node.get_closest_marker(PROCESSES) is None:
        monkeypatch.setattr(subprocess.Popen, "__init__", forbid("subprocess.Popen"))
        for name in ("system", "posix_spawn", "posix_spawnp", "fork", "forkpty"):
            monkeypatch.setattr(os, name, forbid(f"os.{name}"))
    # A socket as such is no harm (an event loop has a pair of its own); what leads anywhere is.
    for name in ("connect", "connect_ex", "bind", "sendto", "listen"):
        monkeypatch.setattr(socket.socket, name, forbid(f"socket.{name}"), raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", forbid("socket.getaddrinfo"))
    yield
    assert not touched, f"a unit test touched the machine: {touched}"


@pytest.fixture
def runner() -> Iterator[FakeRunner]:
    """A strict runner; at the end everything expected must have run."""
    fake = FakeRunner()
    yield fake
    fake.check()


@pytest.fixture
def clock() -> FakeClock:
    """A clock in the hand."""
    return FakeClock()


@pytest.fixture
def fake(tmp_path: Path, runner: FakeRunner, clock: FakeClock) -> FakeMachine:
    """A machine made of files."""
    return FakeMachine(tmp_path / "root", runner, clock)
