"""The file system under the volumes is full, or takes no larger file: an error that says so, and everything else goes on."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from blockstore.errors import ServiceDenied
from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Guest, Scene, opened, until
from tests.target.initiator import Login
from tests.target.killing import ForkedServer

MIB = 1 << 20


@contextmanager
def small(folder: Path, options: str) -> Iterator[Path]:
    """A file system in memory."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Take all that is left."""
    file = folder / "ballast"
    with file.open("wb", buffering=0) as opened:
        for size in (65536, 4096):
            try:
                while opened.write(b"x" * size) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    return file


@contextmanager
def serving(state: Path, volumes: Path) -> Iterator[LocalServer]:
    file = state.with_suffix(".toml")
    file.write_text(f'[volumes]\npath = "{volumes}"\n')
    with LocalServer(state, options=("--config", str(file))) as server:
        yield server


def attached(scene: Scene) -> tuple[Guest, str, str, Login]:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    return guest, volume, attachment, login


def test_a_write_that_has_no_room_is_a_medium_error_and_the_others_go_on(folder: Path, tmp_path: Path) -> None:
    with small(tmp_path / "volumes", "size=16m") as volumes, serving(folder, volumes) as server:
        scene = Scene(server)
        _, volume, attachment, login = attached(scene)
        other = attached(scene)[3]
        assert initiator.io(other, "write -P 0x61 0 1M").ok
        assert initiator.io(login, "write -P 0x62 0 1M").ok
        pid = server.tgtd_pid
        ballast = fill(volumes)
        said = initiator.io(login, "write -P 0x63 4M 1M", "read -P 0x62 0 1M")
        # Sense key 3, medium error: what a guest's kernel gives to the writer as EIO, at once.
        assert "(3)" in said.text
        assert "Input/output error" in said.text
        # What has its blocks is read and written as before, in this volume and in the others.
        assert initiator.io(login, "read -P 0x62 0 1M", "write -P 0x64 0 1M", "read -P 0x64 0 1M").ok
        assert initiator.io(other, "read -P 0x61 0 1M", "write -P 0x65 0 1M").ok
        assert server.tgtd_pid == pid
        assert server.client.get(f"/v3/attachments/{attachment}")["attachment"]["status"] == "attached"
        ballast.unlink()
        assert initiator.io(login, "write -P 0x66 4M 1M", "read -P 0x66 4M 1M").ok
        # UNMAP gives room back.
        used = os.stat(volumes / volume).st_blocks
        assert initiator.io(login, "discard 4M 1M").ok
        assert os.stat(volumes / volume).st_blocks < used


def test_a_volume_that_cannot_be_made_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    with small(tmp_path / "volumes", "size=16m,nr_inodes=3") as volumes, serving(folder, volumes) as server:
        first, second = (server.create_volume(name)["id"] for name in ("first", "second"))
        with pytest.raises(ServiceDenied, match="No space left on device") as caught:
            server.client.post("/v3/volumes", {"volume": {"name": "third", "size": 1}})
        assert caught.value.status == 503
        assert {each["id"] for each in server.client.get("/v3/volumes")["volumes"]} == {first, second}
        assert {file.name for file in volumes.iterdir()} == {first, second}
        server.cli("volume", "delete", first)
        server.create_volume("third")


def test_a_volume_that_cannot_grow_stays_as_it_was(folder: Path) -> None:
    # No file of more than 2 GiB: the kernel says EFBIG where a full file system would say ENOSPC.
    with LocalServer(folder, prefix=("prlimit", f"--fsize={2 << 30}")) as server:
        scene = Scene(server)
        guest, volume, attachment, login = attached(scene)
        assert initiator.io(login, "write -P 0x71 0 1M").ok
        server.cli("volume", "extend", volume, "--size", "2")
        with pytest.raises(ServiceDenied, match="File too large") as caught:
            server.client.post(f"/v3/volumes/{volume}/action", {"os-extend": {"new_size": 3}})
        assert caught.value.status == 503
        found = server.client.volume(volume)
        assert (found["size"], found["status"]) == (2, "in-use")
        assert server.volume_file(volume).stat().st_size == 2 << 30
        assert initiator.io(login, "read -P 0x71 0 1M", f"write -P 0x72 {(2 << 30) - MIB} 1M").ok
        assert guest.connect(attachment).status_code == 200


def test_growth_that_a_kill_interrupted_waits_for_room(folder: Path) -> None:
    with LocalServer(folder) as server:
        scene = Scene(server)
        _, volume, attachment, login = attached(scene)
        server.kill()
    # As a kill leaves it that comes after the wish was recorded.
    with closing(opened(folder)) as store, store.begin() as transaction:
        transaction.connection.exec_driver_sql("UPDATE volumes SET size = 3, lifecycle = 'extending'")
    # The soft limit alone: only that can be lifted without a privilege.
    with LocalServer(folder, prefix=("prlimit", f"--fsize={2 << 30}:")) as server:
        assert server.client.volume(volume)["status"] == "extending"
        assert server.client.get(f"/v3/attachments/{attachment}")["attachment"]["status"] == "attached"
        assert initiator.io(login, "write -P 0x71 0 1M").ok
        subprocess.run(["prlimit", f"--pid={server.pid}", "--fsize=unlimited:"], check=True)
        until("the growth", lambda: server.client.volume(volume)["status"] == "in-use")
        assert server.client.volume(volume)["size"] == 3
        assert initiator.io(login, "read -P 0x71 0 1M", f"discard {(3 << 30) - MIB} 1M").ok


@pytest.mark.usefixtures("sqlite")
def test_state_and_volumes_on_one_full_file_system(tmp_path: Path) -> None:
    """What is there goes on; what would have to be written down is refused, until there is room again."""
    with small(tmp_path / "all", "size=24m") as everything, LocalServer(everything / "state") as server:
        scene = Scene(server)
        guest, _, attachment, login = attached(scene)
        spare = scene.volume()
        assert initiator.io(login, "write -P 0x61 0 1M").ok
        ballast = fill(everything)
        answers = [_create(server, f"more-{number}") for number in range(100)]
        assert set(answers[-10:]) == {503}
        assert initiator.io(login, "read -P 0x61 0 1M", "write -P 0x62 0 1M").ok
        assert [each["id"] for each in guest.ask("GET", "attachments").json()["attachments"]] == [attachment]
        assert guest.connect(attachment).status_code == 200
        assert server.client.volume(spare)["status"] == "available"
        assert "disk is full" in server.log.read_text()
        ballast.unlink()
        until("the server to go on", lambda: _create(server, "after") == 202)
        until("all to be finished", lambda: _finished(server))
        there = {each["id"] for each in server.client.get("/v3/volumes")["volumes"]}
        assert {file.name for file in (server.state / "volumes").iterdir()} == there


def _create(server: LocalServer, name: str) -> int:
    body = {"volume": {"name": name, "size": 1}}
    headers = {"X-Auth-Token": server.token}
    return requests.post(f"{server.operator_url}/v3/volumes", json=body, headers=headers, timeout=30).status_code


def _finished(server: LocalServer) -> bool:
    return {each["status"] for each in server.client.get("/v3/volumes/detail")["volumes"]} == {"available", "in-use"}


def test_a_volume_whose_revert_has_no_room_and_no_snapshot_any_more_is_error_until_it_is_reset(tmp_path: Path) -> None:
    with small(tmp_path / "volumes", "size=16m") as volumes:
        server = ForkedServer(tmp_path / "state")
        server.further = {"volumes.path": str(volumes)}
        server.start()
        volume = Scene(server).volume()
        with (volumes / volume).open("r+b") as file:
            file.write(os.urandom(4 * MIB))
        snapshot = server.client.post("/v3/snapshots", {"snapshot": {"volume_id": volume}})["snapshot"]["id"]
        path = f"/v3/volumes/{volume}"
        until("the snapshot", lambda: _status(server, f"/v3/snapshots/{snapshot}") == "available")
        with server.held_before("backend: copy"):
            server.client.post(f"{path}/action", {"revert": {"snapshot_id": snapshot}})
            server.kill()
        ballast = fill(volumes)
        server.restart()
        assert _status(server, path) == "reverting"
        until("the deletion", lambda: _done(server, f"/v3/snapshots/{snapshot}/action", {"os-force_delete": {}}))
        until("the volume", lambda: _status(server, path) == "error")
        ballast.unlink()
        server.restart()
        assert _done(server, f"{path}/action", {"os-reset_status": {"status": "available"}})
        assert _status(server, path) == "available"
        server.stop()


def _status(server: LocalServer, path: str) -> str:
    [found] = server.client.get(path).values()
    return str(found["status"])


def _done(server: LocalServer, path: str, body: object) -> bool:
    try:
        server.client.post(path, body)
    except ServiceDenied:
        return False
    return True
