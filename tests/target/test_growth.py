"""A volume grows under an initiator that writes: no write fails, none is lost, whoever is killed meanwhile."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from blockstore.errors import BlockstoreError, ServiceDenied
from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Guest, Scene, seen, until
from tests.target.initiator import Login
from tests.target.killing import ForkedServer, in_memory
from tests.target.writing import Writer


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedServer]:
    with in_memory() as server:
        yield server


def attached(scene: Scene) -> tuple[Guest, str, Login]:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    return guest, volume, login


def extend(server: LocalServer, volume: str, size: int) -> None:
    server.client.post(f"/v3/volumes/{volume}/action", {"os-extend": {"new_size": size}})


def whole(server: LocalServer, volume: str, login: Login, size: int) -> None:
    """The row, the file and the LUN say the same size."""
    found = server.client.volume(volume)
    assert (found["size"], found["status"]) == (size, "in-use")
    assert initiator.serial(login) == volume
    assert server.volume_file(volume).stat().st_size == size << 30
    last = (size << 30) - 4096
    assert initiator.io(login, f"write -P 0x42 {last} 4k", f"read -P 0x42 {last} 4k").ok
    assert not initiator.io(login, f"write -P 0x42 {size << 30} 4k").ok


def test_no_write_fails_while_a_volume_grows(server: LocalServer, scene: Scene) -> None:
    _, volume, login = attached(scene)
    with Writer(login) as writer:
        for size in range(2, 22):
            extend(server, volume, size)
            # Sometimes at once, sometimes when the initiator is back: in the middle of a login, too.
            time.sleep(0.07 * (size % 5))
        writer.goes_on()
    assert writer.failed == []
    assert writer.wrong(server.volume_file(volume)) == []
    whole(server, volume, login, 21)


def test_the_others_are_left_alone(server: LocalServer, scene: Scene) -> None:
    _, volume, _ = attached(scene)
    _, _, other = attached(scene)
    with Writer(other) as writer:
        before = seen(server)[other.iqn].connections
        for size in range(2, 7):
            extend(server, volume, size)
        writer.goes_on()
        assert len(before) == 1
        assert seen(server)[other.iqn].connections == before
    assert writer.failed == []


def test_growth_that_fails_when_nobody_listens_any_more_is_in_the_row(forked: ForkedServer) -> None:
    guest, volume, login = attached(Scene(forked))
    assert initiator.io(login, "write -P 0x41 0 1M").ok
    with forked.held_before("volume: grow"):
        extend(forked, volume, 2)
        assert forked.client.volume(volume)["status"] == "extending"
        # No file of more than 1 GiB: the kernel says EFBIG where a full file system would say ENOSPC.
        subprocess.run(["prlimit", f"--pid={forked.pid}", f"--fsize={1 << 30}:"], check=True)
    until("the end of it", lambda: forked.client.volume(volume)["status"] == "error_extending")
    assert forked.client.volume(volume)["size"] == 1
    # It is its instance's as before, and not anybody's to be grown or taken before somebody has seen this.
    assert initiator.io(login, "read -P 0x41 0 1M", "write -P 0x41 0 1M").ok
    assert guest.ask("GET", "attachments").json()["attachments"][0]["status"] == "attached"
    with pytest.raises(ServiceDenied, match="error_extending"):
        extend(forked, volume, 2)
    subprocess.run(["prlimit", f"--pid={forked.pid}", "--fsize=unlimited:"], check=True)
    forked.client.post(f"/v3/volumes/{volume}/action", {"os-reset_status": {"status": "in-use"}})
    extend(forked, volume, 2)
    until("the growth", lambda: forked.client.volume(volume)["status"] == "in-use")
    whole(forked, volume, login, 2)


def test_the_server_killed_at_any_step_of_growth_under_writes(forked: ForkedServer) -> None:
    scene = Scene(forked)
    _, volume, login = attached(scene)
    killed: list[str] = []
    forked.restart(step=1)
    size = 1
    with Writer(login) as writer:
        while len(killed) < 20:
            size += 1
            forked.arm()
            with suppress(requests.RequestException, BlockstoreError):
                extend(forked, volume, size)
            if not forked.died:
                break
            killed.append(forked.steps[-1])
            forked.restart(step=len(killed) + 1)
            writer.goes_on(1)
            if forked.client.volume(volume)["size"] < size:
                assert killed[-1] == "volume: record growth", "a wish that was recorded is lost"
                size -= 1
        forked.disarm()
        writer.goes_on()
    assert writer.failed == []
    assert writer.wrong(forked.volume_file(volume)) == []
    assert {"volume: grow", "target: offline", "target: reopen", "target: ready", "volume: record ready"} <= set(killed)
    assert len(killed) < 20
    whole(forked, volume, login, size)


def _extended(server: LocalServer, volume: str, size: int) -> bool:
    """Ask for it; 503 says that nothing was done, so that it can be asked again."""
    try:
        extend(server, volume, size)
    except ServiceDenied as error:
        if error.status != 503:
            raise AssertionError(error) from error
        return False
    return True


def test_the_daemon_killed_at_any_step_of_growth_under_writes(forked: ForkedServer) -> None:
    _, volume, login = attached(Scene(forked))
    killed: list[str] = []
    forked.restart(step=1, daemon=True)
    size = 1
    with Writer(login) as writer:
        while len(killed) < 20:
            size += 1
            pid = forked.tgtd_pid
            forked.arm()
            until("the growth", lambda size=size: _extended(forked, volume, size))
            steps = forked.steps
            forked.disarm()
            if len(steps) < forked.step:
                break
            killed.append(steps[forked.step - 1])
            until("another tgtd", lambda pid=pid: forked.tgtd_pid != pid)
            writer.goes_on(1)
            forked.restart(step=len(killed) + 1, daemon=True)
        writer.goes_on()
    assert writer.failed == []
    assert writer.wrong(forked.volume_file(volume)) == []
    assert {"volume: grow", "target: offline", "target: reopen", "target: ready", "volume: record ready"} <= set(killed)
    whole(forked, volume, login, size)
