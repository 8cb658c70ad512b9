"""The target daemon dies, the server dies, both die: exports come back, and a logged-in initiator's I/O goes on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from blockstore.errors import CommandFailed
from metadata_server.domain.errors import Unavailable
from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Scene, seen, until
from tests.target.initiator import Login
from tests.target.writing import Writer


@pytest.fixture
def login(scene: Scene) -> Login:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    return login


def file_of(server: LocalServer, login: Login) -> Path:
    return server.volume_file(login.iqn.partition("volume-")[2])


def test_a_killed_daemon_comes_back_and_io_goes_on(server: LocalServer, login: Login) -> None:
    with initiator.Session(login) as session:
        session.do("write -P 0x11 0 64k", "wrote 65536")
        before = server.tgtd_pid
        os.kill(before, signal.SIGKILL)
        session.do("read -P 0x11 0 64k", "read 65536")
        session.do("write -P 0x12 0 64k", "wrote 65536")
        assert server.tgtd_pid != before
    assert initiator.inquiry(login).ok
    assert not initiator.inquiry(login.but(password="A" * 32)).ok


def test_a_daemon_that_is_killed_twice_comes_back(server: LocalServer, login: Login) -> None:
    for _ in range(2):
        before = server.tgtd_pid
        os.kill(before, signal.SIGKILL)
        until("another tgtd", lambda before=before: server.tgtd_pid != before)
    until("the export", lambda: initiator.inquiry(login).ok)


def test_a_killed_server_leaves_the_daemon_and_the_next_one_takes_it_over(server: LocalServer, login: Login) -> None:
    with initiator.Session(login) as session:
        session.do("write -P 0x21 0 64k", "wrote 65536")
        before, addresses = server.tgtd_pid, server.addresses
        server.kill()
        session.do("write -P 0x22 0 64k", "wrote 65536")
        server.start()
        assert server.tgtd_pid == before
        assert server.addresses == addresses
        until("the one session", lambda: server.client.get("/status")["status"]["exports"]["sessions"] == 1)
        session.do("read -P 0x22 0 64k", "read 65536")


def test_who_asks_for_the_daemon_leaves_no_connection_behind(server: LocalServer, login: Login) -> None:
    # A read of 0 bytes tgtd takes for an end only where errno, which that does not set, is not EAGAIN from some initiator's
    # socket: such a connection it never closes, and reads its end again and again, with a whole core.
    with initiator.Session(login) as session:
        session.do("write -P 0x23 0 64k", "wrote 65536")
        pid = server.tgtd_pid
        held = descriptors(pid)
        for _ in range(5):
            session.do("write -P 0x23 0 64k", "wrote 65536")
            assert server.tgtd_pid == pid
        until("the control connections to be closed", lambda: descriptors(pid) <= held)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_no_write_fails_while_the_daemon_is_killed_again_and_again(server: LocalServer, login: Login) -> None:
    with Writer(login) as writer:
        for _ in range(3):
            before = server.tgtd_pid
            os.kill(before, signal.SIGKILL)
            until("another tgtd", lambda before=before: server.tgtd_pid != before)
            writer.goes_on()
    assert writer.failed == []
    assert writer.wrong(file_of(server, login)) == []


def test_the_session_goes_on_under_writes_while_the_server_is_killed(server: LocalServer, login: Login) -> None:
    with Writer(login) as writer:
        before = seen(server)[login.iqn].connections
        for _ in range(2):
            server.kill()
            writer.goes_on()
            server.start()
            writer.goes_on()
        assert len(before) == 1
        assert seen(server)[login.iqn].connections == before
    assert writer.failed == []
    assert writer.wrong(file_of(server, login)) == []


def test_no_write_fails_while_the_server_is_stopped(folder: Path) -> None:
    server = LocalServer(folder)
    server.start()
    guest = Scene(server).guest()
    login = guest.login(Scene(server).attached(guest)[1])
    try:
        with Writer(login) as writer:
            server.stop()
            server.start()
            writer.goes_on()
        assert writer.failed == []
        assert writer.wrong(file_of(server, login)) == []
    finally:
        server.stop()


def test_a_target_that_nobody_asked_for_is_removed_at_start(server: LocalServer, login: Login) -> None:
    foreign = "iqn.2026-01.invalid.foreign:open"
    environment = {**os.environ, "TGT_IPC_SOCKET": str(server.state / "tgtd")}
    adm = ["/usr/sbin/tgtadm", "-C", "0", "--lld", "iscsi", "--mode", "target"]
    subprocess.run([*adm, "--op", "new", "--tid", "999", "-T", foreign], env=environment, check=True)
    subprocess.run([*adm, "--op", "bind", "--tid", "999", "-I", "ALL"], env=environment, check=True)
    bare = login.but(user="", password="")
    assert foreign in initiator.targets(bare).text
    server.kill()
    server.start()
    assert foreign not in initiator.targets(bare).text
    assert initiator.inquiry(login).ok


def test_both_killed_and_all_is_exported_again(server: LocalServer, login: Login) -> None:
    server.kill()
    server.end_tgtd()
    server.start()
    assert initiator.inquiry(login).ok
    assert not initiator.inquiry(login.but(user="", password="")).ok


def test_sigterm_stops_the_daemon_too_although_someone_is_logged_in(folder: Path) -> None:
    server = LocalServer(folder)
    server.start()
    scene = Scene(server)
    guest = scene.guest()
    login = guest.login(scene.attached(guest)[1])
    pid = server.tgtd_pid
    with initiator.Session(login) as session:
        session.do("write 0 4k", "wrote 4096")
        server.stop()
        assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
        with pytest.raises(Unavailable):
            _ = server.tgtd_pid
        server.start()
        try:
            session.do("read 0 4k", "read 4096")
        finally:
            server.stop()


def test_a_portal_that_is_taken_is_an_error_and_leaves_no_daemon(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = LocalServer(folder, options=("--portal", f"127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(RuntimeError, match=r"cannot listen on 127\.0\.0\.1"):
            server.start()
    with pytest.raises(Unavailable):
        _ = server.tgtd_pid


def test_a_start_that_fails_leaves_alone_what_guests_use(folder: Path) -> None:
    file = folder.with_suffix(".toml")
    right = '[[volumes.types]]\nname = "fast"\nbackend = "sparse"\n'
    file.write_text(right)
    server = LocalServer(folder, options=("--config", str(file)))
    server.start()
    guest = Scene(server).guest()
    login = guest.login(Scene(server).attached(guest)[1])
    with initiator.Session(login) as session:
        session.do("write -P 0x41 0 4k", "wrote 4096")
        server.kill()
        file.write_text(right.replace("fast", "slow"))
        with pytest.raises(RuntimeError, match="which is not configured"):
            server.start()
        session.do("read -P 0x41 0 4k", "read 4096")
    assert seen(server).keys() == {login.iqn}
    file.write_text(right)
    server.start()
    server.stop()


def test_through_tgtadm_it_is_the_same(folder: Path) -> None:
    file = folder.with_suffix(".toml")
    file.write_text('[targets]\ncontrol = "tgtadm"\n')
    with LocalServer(folder, options=("--config", str(file), "--verbose")) as server:
        guest = Scene(server).guest()
        volume, attachment = Scene(server).attached(guest, mutual=True)
        login = guest.login(attachment)
        assert initiator.serial(login) == volume
        assert not initiator.inquiry(login.but(user="", password="")).ok
        guest.complete(attachment)
        server.cli("volume", "extend", volume, "--size", "2")
        with initiator.Session(login) as session:
            session.do("write -P 0x31 1G 4k", "wrote 4096")
            assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
        assert not initiator.inquiry(login).ok
    said = server.log.read_text()
    assert "tgtadm -C 0 --lld iscsi --op new --mode account" in said
    assert login.password not in said


def test_an_attached_volume_grows_under_its_session(server: LocalServer, scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    with initiator.Session(login) as session:
        session.do("write -P 0x41 0 4k", "wrote 4096")
        server.cli("volume", "extend", volume, "--size", "2")
        session.do("read -P 0x41 0 4k", "read 4096")
    assert initiator.io(login, "write -P 0x42 2147479552 4k").ok


@pytest.mark.usefixtures("sqlite")
def test_two_servers_do_not_share_a_folder(server: LocalServer) -> None:
    with pytest.raises(RuntimeError, match="another server runs in"):
        LocalServer(server.state).start()
    assert server.cli("status")["version"]


def test_without_a_server_the_command_says_how_to_start_one(folder: Path) -> None:
    with pytest.raises(CommandFailed, match=r"no server runs in .*serve --state"):
        LocalServer(folder).cli("status")
