"""Several tgtd share the exports of one server: each export has one, at a port of its own, whatever dies or is started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from metadata_server.domain.export import IQN_PREFIX
from metadata_server.peers.claims import Claims
from metadata_server.targets.homes import home
from testbed.postgresql import LocalPostgresql
from testbed.server import ENVIRONMENT, LocalServer
from tests.target import initiator
from tests.target.conftest import Guest, Scene, until
from tests.target.initiator import Login
from tests.target.killing import ForkedServer, in_memory
from tests.target.peers import PeerServer
from tests.target.test_command import run


def configured(folder: Path, daemons: int) -> tuple[str, str]:
    """Options of a server with so many daemons."""
    file = folder.with_suffix(".toml")
    file.write_text(f"[targets]\ndaemons = {daemons}\n")
    return "--config", str(file)


def warnings(server: LocalServer) -> list[str]:
    found: list[str] = server.client.get("/status")["status"]["warnings"]
    return found


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("three") / "state"
    with LocalServer(folder, options=configured(folder, 3)) as server:
        yield server


@pytest.fixture(scope="module")
def logins(three: LocalServer) -> list[Login]:
    """One at each daemon, in their order."""
    scene = Scene(three)
    guest = scene.guest()
    found: dict[int, Login] = {}
    while len(found) < 3:
        _, attachment = scene.attached(guest)
        login = guest.login(attachment)
        guest.complete(attachment)
        found[home(login.iqn, 3)] = login
    return [found[number] for number in range(3)]


def test_every_export_is_at_its_own_daemon_and_the_instance_is_told_its_portal(three: LocalServer, logins: list[Login]) -> None:
    assert [login.portal for login in logins] == list(three.addresses.portals)
    for number, seen in three.seen.items():
        assert seen
        assert {home(iqn, 3) for iqn in seen} == {number}
    for number, login in enumerate(logins):
        assert initiator.serial(login) == login.iqn.removeprefix(IQN_PREFIX)
        assert not initiator.inquiry(login.but(portal=logins[number - 1].portal)).ok


def test_status_and_the_line_ready_name_all_portals(three: LocalServer, logins: list[Login]) -> None:
    found = three.cli("status")
    ports = [login.portal.rpartition(":")[2] for login in logins]
    assert found["portals"] == [f"10.0.2.2:{port}" for port in ports]  # as guests see them
    assert found["portal"] == found["portals"][0]
    assert (found["warnings"], found["target"]) == ([], {"driver": "tgt", "running": True})
    assert found["exports"]["present"] == found["exports"]["wanted"] >= 3
    assert ", ".join(found["portals"]) in run(three, "status").stdout
    assert f"iSCSI at {', '.join(three.addresses.portals)}, state in" in three.log.read_text()


def test_one_that_is_killed_comes_back_with_its_exports_and_the_others_notice_nothing(
    three: LocalServer, logins: list[Login]
) -> None:
    before = three.tgtd_pids
    with initiator.Session(logins[0]) as beside, initiator.Session(logins[1]) as session:
        for each in (beside, session):
            each.do("write -P 0x11 0 64k", "wrote 65536")
        session_of = three.seen[0][logins[0].iqn].connections
        os.kill(before[1], signal.SIGKILL)
        beside.do("write -P 0x12 0 64k", "wrote 65536")
        session.do("read -P 0x11 0 64k", "read 65536")
        after = three.tgtd_pids
        assert (after[0], after[2]) == (before[0], before[2])
        assert after[1] != before[1]
        assert three.seen[0][logins[0].iqn].connections == session_of
    assert [initiator.inquiry(login).ok for login in logins] == [True] * 3
    assert not initiator.inquiry(logins[1].but(password="A" * 32)).ok


def test_the_last_but_one_and_the_last_are_killed_together(three: LocalServer, logins: list[Login]) -> None:
    before = three.tgtd_pids
    for number in (1, 2):
        os.kill(before[number], signal.SIGKILL)
    until("both again", lambda: set(three.tgtd_pids.values()) & set(before.values()) == {before[0]} and len(three.tgtd_pids) == 3)
    until("their exports", lambda: all(initiator.inquiry(login).ok for login in logins))
    assert three.tgtd_pids[0] == before[0]


def test_one_that_does_not_come_back_keeps_no_other_from_it(three: LocalServer, logins: list[Login]) -> None:
    os.kill(three.pid, signal.SIGSTOP)
    for pid in (three.tgtd_pids[number] for number in (0, 1)):
        os.kill(pid, signal.SIGKILL)
        until("its end", lambda pid=pid: pid not in three.tgtd_pids.values())
    with socket.create_server(("127.0.0.1", int(logins[0].portal.rpartition(":")[2]))):
        os.kill(three.pid, signal.SIGCONT)
        until("the other one", lambda: initiator.inquiry(logins[1]).ok)
        assert set(three.tgtd_pids) == {1, 2}
        reason = f"target daemon 0 at {logins[0].portal}: tgtd cannot listen"
        until("the reason", lambda: reason in three.log.read_text())
    until("the first one", lambda: initiator.inquiry(logins[0]).ok)


def test_a_server_that_is_started_again_keeps_daemons_and_ports(three: LocalServer, logins: list[Login]) -> None:
    before, addresses = three.tgtd_pids, three.addresses
    three.kill()
    three.start()
    assert (three.tgtd_pids, three.addresses) == (before, addresses)
    three.stop()
    assert three.tgtd_pids == {}
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in before.values())
    three.start()
    assert three.addresses == addresses
    assert [initiator.inquiry(login).ok for login in logins] == [True] * 3


def pair() -> tuple[int, socket.socket]:
    """A port that is free, and a socket that has the next one."""
    while True:
        taken = socket.create_server(("127.0.0.1", 0))
        port = taken.getsockname()[1] - 1
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            taken.close()
        else:
            return port, taken


def test_ports_are_consecutive_and_one_that_is_taken_is_named_with_its_daemon(folder: Path) -> None:
    port, taken = pair()
    server = LocalServer(folder, options=(*configured(folder, 2), "--portal", f"127.0.0.1:{port}"))
    with taken:
        message = rf"target daemon 1 at 127\.0\.0\.1:{port + 1}: tgtd cannot listen on 127\.0\.0\.1:{port + 1}"
        with pytest.raises(RuntimeError, match=message):
            server.start()
        assert server.tgtd_pids == {}
    with server:
        assert server.addresses.portals == (f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}")


def test_a_start_that_fails_at_one_leaves_the_exports_of_the_others(folder: Path) -> None:
    server = LocalServer(folder, options=configured(folder, 2))
    server.start()
    scene = Scene(server)
    guest = scene.guest()
    logins = [guest.login(scene.attached(guest)[1])]
    while home(logins[-1].iqn, 2) != 0:
        logins.append(guest.login(scene.attached(guest)[1]))
    server.kill()
    host, _, port = server.addresses.portals[1].rpartition(":")
    os.kill(server.tgtd_pids[1], signal.SIGKILL)
    until("its end", lambda: set(server.tgtd_pids) == {0})
    with socket.create_server((host, int(port))):
        with pytest.raises(RuntimeError, match=r"target daemon 1 .* cannot listen"):
            server.start()
        assert initiator.inquiry(logins[-1]).ok
    with server:
        assert all(initiator.inquiry(login).ok for login in logins)


def test_another_number_is_taken_when_nothing_is_exported_and_not_before() -> None:
    with in_memory() as server:
        restart(server, 2)
        scene = Scene(server)
        guest = scene.guest()
        _, attachment = scene.attached(guest)
        login = guest.login(attachment)
        first = server.addresses.portals
        restart(server, 3)
        assert (set(server.tgtd_pids), server.addresses.portals) == ({0, 1}, first)
        assert initiator.inquiry(login).ok
        [warning] = warnings(server)
        assert "daemons is 3, and the server goes on with 2" in warning
        assert warning in run(server, "status").stdout
        assert warning in server.log.read_text()
        server.client.delete(f"/v3/attachments/{attachment}")
        restart(server, 3)
        assert warnings(server) == []
        assert set(server.tgtd_pids) == {0, 1, 2}
        assert server.addresses.portals[:2] == first
        restart(server, 1)
        assert set(server.tgtd_pids) == {0}
        assert server.addresses.portals == first[:1]


def restart(server: ForkedServer, daemons: int) -> None:
    """Kill it, so that its daemons live on, and start it with another number in its configuration."""
    server.further = {"targets.daemons": daemons}
    server.restart()


def test_who_follows_goes_by_the_number_of_the_one_that_leads(tmp_path: Path, postgresql: LocalPostgresql, migrated: str) -> None:
    folder, database = tmp_path / "state", postgresql.database(template=migrated)
    servers = [
        PeerServer(folder, number, postgresql, database, configured(tmp_path / f"{number}", 3 - number)) for number in range(2)
    ]
    with servers[0] as leads, servers[1] as follows:
        assert warnings(leads) == []
        assert "daemons is 2, and the server goes on with 3" in follows.log.read_text()
        one, volume = leads.create_instance("web"), leads.create_volume("data")
        attachment = leads.attach(str(volume["id"]), "web")["id"]
        logins = [Guest(server, one).login(str(attachment)) for server in servers]
        assert logins[0] == logins[1]
        assert initiator.inquiry(logins[0]).ok
        before = leads.tgtd_pids
        leads.kill()
        until("another one to lead", lambda: follows.operator_url.endswith(LocalServer.addresses.fget(leads).operator))  # type: ignore[attr-defined]
        follows.end_tgtd()
        until("the export", lambda: initiator.inquiry(logins[1]).ok)
        assert set(follows.tgtd_pids) == set(before) == {0, 1, 2}


def test_one_that_enters_sees_whether_another_is_inside(tmp_path: Path) -> None:
    code = (
        f"from metadata_server.peers.claims import Claims; Claims(__import__('pathlib').Path({str(tmp_path)!r})).alone(); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **ENVIRONMENT}, stdin=subprocess.PIPE) as other:
        mine = Claims(tmp_path)
        until("the other one to be inside", lambda: not mine.alone())
        other.kill()
    assert mine.alone()
