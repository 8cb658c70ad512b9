"""Copies of volumes: the work of a moment where blocks can be shared, else slow; whole, and nobody waits for them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from blockstore.errors import ServiceDenied
from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Scene, until
from tests.target.killing import ForkedServer, in_memory

MIB = 1 << 20


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedServer]:
    with in_memory() as server:
        yield server


def snapshot(server: LocalServer, volume: str, **words: Any) -> dict[str, Any]:
    made: dict[str, Any] = server.client.post("/v3/snapshots", {"snapshot": {"volume_id": volume, **words}})["snapshot"]
    return made


def refused(action: Callable[[], object], status: int, said: str) -> None:
    with pytest.raises(ServiceDenied, match=said) as caught:
        action()
    assert caught.value.status == status


def test_a_slow_copy_holds_nobody_up_and_its_source_still(forked: ForkedServer) -> None:
    scene, client = Scene(forked), forked.client
    guest, volume = scene.guest(), scene.volume()
    path = f"/v3/volumes/{volume}"
    with forked.held_before("backend: show the copy"):
        began = time.monotonic()
        taken = snapshot(forked, volume)
        assert taken["status"] == "creating"
        assert time.monotonic() - began < 10
        # Others are answered meanwhile.
        began = time.monotonic()
        for _ in range(20):
            assert client.get(path)["volume"]["status"] == "available"
        assert time.monotonic() - began < 2
        # What it is made of stays as it is.
        copied = f"being copied into snapshot {taken['id']}; wait"
        refused(lambda: forked.attach(volume, guest.id), 409, copied)
        refused(lambda: client.post(f"{path}/action", {"os-extend": {"new_size": 2}}), 409, copied)
        refused(lambda: client.delete(f"{path}?cascade=true"), 409, "being (copied|worked on)")
        refused(lambda: client.delete(f"/v3/snapshots/{taken['id']}"), 409, "being worked on")
        refused(
            lambda: client.post("/v3/volumes", {"volume": {"snapshot_id": taken["id"]}}), 409, "creating; it cannot be copied"
        )
        reset = {"os-reset_status": {"status": "available"}}
        refused(lambda: client.post(f"/v3/snapshots/{taken['id']}/action", reset), 409, "being worked on")
    until("the copy", lambda: client.get(f"/v3/snapshots/{taken['id']}")["snapshot"]["status"] == "available")
    forked.attach(volume, guest.id)


def test_a_snapshot_stays_while_a_volume_is_made_from_it(forked: ForkedServer) -> None:
    client, volume = forked.client, Scene(forked).volume()
    taken = snapshot(forked, volume)["id"]
    with forked.held_before("backend: show the copy"):
        copy = client.post("/v3/volumes", {"volume": {"snapshot_id": taken}})["volume"]
        assert copy["status"] == "creating"
        refused(lambda: client.delete(f"/v3/snapshots/{taken}"), 409, f"being copied into {copy['id']}")
        refused(lambda: forked.attach(copy["id"], Scene(forked).guest().id), 400, "current status is creating")
        # A kill in the middle: the next one begins anew.
        forked.kill()
    assert (forked.state / "volumes" / f".{copy['id']}.part").exists()
    forked.restart()
    until("the copy", lambda: client.get(f"/v3/volumes/{copy['id']}")["volume"]["status"] == "available")
    assert not list((forked.state / "volumes").glob(".*"))


def test_a_snapshot_without_bytes_is_not_reset_to_available(forked: ForkedServer) -> None:
    client, taken = forked.client, snapshot(forked, Scene(forked).volume())["id"]
    path = f"/v3/snapshots/{taken}"
    until("the snapshot", lambda: client.get(path)["snapshot"]["status"] == "available")
    client.post(f"{path}/action", {"os-reset_status": {"status": "error"}})
    file = forked.state / "volumes" / f"snapshot-{taken}"
    hidden = file.rename(file.with_name(".hidden"))
    available = {"os-reset_status": {"status": "available"}}
    refused(lambda: client.post(f"{path}/action", available), 409, "cannot be available: its bytes")
    assert client.get(path)["snapshot"]["status"] == "error"
    hidden.rename(file)
    client.post(f"{path}/action", available)
    assert client.get(path)["snapshot"]["status"] == "available"


def test_a_copy_that_has_no_room_leaves_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "volumes", "-t", "tmpfs", "-o", "size=16m", "tmpfs") as volumes, serving(tmp_path, volumes) as server:
        volume = Scene(server).volume()
        with server_file(volumes, volume) as file:
            file.write(os.urandom(10 * MIB))
        refused(lambda: snapshot(server, volume), 503, "No space left on device")
        refused(lambda: server.client.post("/v3/volumes", {"volume": {"source_volid": volume}}), 503, "No space left on device")
        assert server.client.get("/v3/snapshots")["snapshots"] == []
        assert [each["id"] for each in server.client.get("/v3/volumes")["volumes"]] == [volume]
        assert [file.name for file in volumes.iterdir()] == [volume]
        assert server.client.volume(volume)["status"] == "available"


def test_where_blocks_are_shared_a_volume_in_use_is_copied_at_once(tmp_path: Path) -> None:
    image = tmp_path / "xfs.img"
    with image.open("wb") as file:
        file.truncate(320 * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    with mounted(tmp_path / "volumes", "-o", "loop", str(image)) as volumes, serving(tmp_path, volumes) as server:
        scene = Scene(server)
        guest = scene.guest()
        volume, attachment = scene.attached(guest)
        login = guest.login(attachment)
        guest.complete(attachment)
        assert initiator.io(login, "write -P 0x61 0 48M", "flush").ok
        before = free(volumes)
        taken = snapshot(server, volume)["id"]
        clone = server.client.post("/v3/volumes", {"volume": {"source_volid": volume, "size": 2}})["volume"]["id"]
        assert before - free(volumes) < 8 * MIB
        assert initiator.io(login, "write -P 0x62 0 1M", "read -P 0x61 1M 1M").ok
        restored = server.client.post("/v3/volumes", {"volume": {"snapshot_id": taken}})["volume"]["id"]
        for each in (clone, restored):
            copied = scene.server.attach(each, guest.id)["id"]
            assert initiator.io(guest.login(copied), "read -P 0x61 0 48M", "write -P 0x63 0 1M").ok
        assert initiator.io(login, "read -P 0x62 0 1M").ok
        # Before 3.66 the one who asks must say that they know.
        headers = {"X-Auth-Token": server.token, "OpenStack-API-Version": "volume 3.65"}
        for force, status in ((False, 400), (True, 202)):
            body = {"snapshot": {"volume_id": volume, "force": force}}
            assert (
                requests.post(f"{server.operator_url}/v3/snapshots", json=body, headers=headers, timeout=30).status_code == status
            )


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", *words, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def serving(folder: Path, volumes: Path) -> Iterator[LocalServer]:
    (folder / "server.toml").write_text(f'[volumes]\npath = "{volumes}"\n')
    with LocalServer(folder / "state", options=("--config", str(folder / "server.toml"))) as server:
        yield server


def server_file(volumes: Path, volume: str) -> Any:
    return (volumes / volume).open("r+b")


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_bsize
