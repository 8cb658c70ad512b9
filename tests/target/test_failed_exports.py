"""An export that cannot be made when everything is exported again: it is said, it is tried again, and nobody else suffers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Guest, Scene, until
from tests.target.test_command import run


def status_of(guest: Guest, attachment: str) -> str:
    return str(guest.ask("GET", f"attachments/{attachment}").json()["attachment"]["status"])


def away(file: Path) -> Path:
    """Hide a backing file, as a file system that is not mounted would."""
    return file.rename(file.with_suffix(".away"))


def test_it_fails_alone_is_told_and_comes_back(server: LocalServer, scene: Scene) -> None:
    guest, neighbour = scene.guest(), scene.guest()
    volume, attachment = scene.attached(guest)
    login = guest.login(attachment)
    guest.complete(attachment)
    second, connected = scene.attached(guest)
    guest.login(connected)
    bystander = neighbour.login(scene.attached(neighbour)[1])
    files = [server.volume_file(each) for each in (volume, second)]
    server.kill()
    server.end_tgtd()
    hidden = [away(file) for file in files]
    server.start()
    assert initiator.inquiry(bystander).ok
    assert not initiator.inquiry(login).ok
    assert [status_of(guest, each) for each in (attachment, connected)] == ["error_attaching"] * 2
    assert guest.connect(attachment).status_code == 503
    failed = server.client.get("/status")["status"]["exports"]["failed"]
    assert {each["attachment"] for each in failed} == {attachment, connected}
    assert all("tgtd refused new logicalunit" in each["reason"] for each in failed)
    said = run(server, "status").stdout
    assert "error_attaching: tgtd refused" in said
    for file in hidden:
        file.rename(file.with_suffix(""))
    until("the exports", lambda: status_of(guest, attachment) == "attached")
    assert status_of(guest, connected) == "attaching"
    assert initiator.inquiry(login).ok
    assert server.client.get("/status")["status"]["exports"]["failed"] == []


def test_what_failed_is_still_detached_and_deleted(server: LocalServer, scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.connect(attachment)
    guest.complete(attachment)
    away(server.volume_file(volume))
    os.kill(server.tgtd_pid, signal.SIGKILL)
    until("the failure", lambda: status_of(guest, attachment) == "error_attaching")
    server.client.post(f"/v3/volumes/{volume}/action", {"os-begin_detaching": {}})
    assert status_of(guest, attachment) == "detaching"
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    # It was written to, wherever its file is now.
    assert not server.client.volume(volume)["blockstore:blank"]
    server.cli("volume", "delete", volume)
    assert server.client.get("/status")["status"]["exports"]["failed"] == []


def test_the_one_who_is_waited_for_still_is(server: LocalServer, scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.connect(attachment)
    guest.complete(attachment)
    server.client.post(f"/v3/volumes/{volume}/action", {"os-begin_detaching": {}})
    hidden = away(server.volume_file(volume))
    os.kill(server.tgtd_pid, signal.SIGKILL)
    until("the failure", lambda: bool(server.client.get("/status")["status"]["exports"]["failed"]))
    assert status_of(guest, attachment) == "detaching"
    hidden.rename(hidden.with_suffix(""))
    until("the export", lambda: server.client.get("/status")["status"]["exports"]["failed"] == [])
    assert status_of(guest, attachment) == "detaching"
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
