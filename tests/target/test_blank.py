"""Blank means blank: the server's word, on which an instance formats a volume, ends with the first sign of a write, before
that sign is answered, and never comes back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from testbed.server import LocalServer
from tests.target.conftest import Guest, Scene
from tests.target.killing import ForkedServer, in_memory

EXT4 = [{"device": "/dev/sda1", "type": "ext4", "uuid": "u", "label": "", "mount": "/srv"}]


@pytest.fixture(scope="module")
def forked() -> Iterator[ForkedServer]:
    with in_memory() as server:
        yield server


def report(guest: Guest, volume: str, instance: str = "", **words: Any) -> int:
    entry = {"id": volume, "name": "data", "result": "ok", "changed": True, "filesystems": EXT4, "steps": [], **words}
    body = {
        "version": 1, "instance_id": instance or guest.id, "initiator_name": guest.initiator,
        "started": "2026-11-22T15:00:00Z", "duration_ms": 5, "volumes": [entry],
    }  # fmt: skip
    return guest.ask("PUT", "report", body).status_code


def blank(server: LocalServer, volume: str) -> bool:
    """The operator's view and the owner's are the same."""
    return bool(server.client.volume(volume)["blockstore:blank"])


@pytest.mark.parametrize(
    ("entry", "remains"),
    [
        ({"filesystems": []}, True),
        ({"result": "failed", "reason": "no", "filesystems": []}, True),
        ({"result": "refused", "reason": "no", "filesystems": []}, True),
        ({}, False),
        # The file systems are there; it was the mount point that failed, or was refused.
        ({"result": "failed", "reason": "no"}, False),
        ({"result": "refused", "reason": "no"}, False),
        # As a second run finds it.
        ({"changed": False}, False),
    ],
)
def test_a_report_with_a_file_system_ends_it(scene: Scene, entry: dict[str, Any], remains: bool) -> None:
    guest = scene.guest()
    volume, _ = scene.attached(guest)
    assert report(guest, volume, **entry) == 204
    assert blank(scene.server, volume) is remains
    (listed,) = guest.ask("GET", "attachments").json()["attachments"]
    assert listed["volume"]["blank"] is remains
    kept = scene.server.report(guest.id)
    assert kept is not None
    assert kept["volumes"][0]["filesystems"] == entry.get("filesystems", EXT4)


def test_a_report_through_a_read_only_attachment_ends_it_too(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest, mode="ro")
    guest.connect(attachment)
    assert report(guest, volume, changed=False) == 204
    assert not blank(scene.server, volume)


def test_a_report_says_nothing_of_what_is_not_the_reporters(scene: Scene) -> None:
    owner, stranger = scene.guest(), scene.guest()
    volume, attachment = scene.attached(owner)
    free = scene.volume()
    assert report(stranger, volume) == 204
    assert report(stranger, volume, instance=owner.id) == 400
    assert report(owner, free) == 204
    assert report(owner, "no-such-volume") == 204
    assert blank(scene.server, volume)
    assert blank(scene.server, free)
    # Not any more, either.
    assert owner.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert report(owner, volume) == 204
    assert blank(scene.server, volume)


@pytest.mark.parametrize("by_force", [False, True], ids=["the guest lets go", "the operator takes it"])
@pytest.mark.parametrize(
    ("mode", "connected", "completed", "remains"),
    [
        ("rw", False, False, True),
        ("rw", True, False, True),
        ("ro", True, True, True),
        ("rw", True, True, False),
    ],
)
def test_the_end_of_an_attachment(
    scene: Scene, mode: str, connected: bool, completed: bool, remains: bool, by_force: bool
) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest, mode=mode)
    if connected:
        guest.connect(attachment)
    if completed:
        guest.complete(attachment)
    assert blank(scene.server, volume)
    if by_force:
        scene.server.detach(volume, force=True)
    else:
        assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert blank(scene.server, volume) is remains


def test_a_wish_to_detach_that_was_taken_back_is_no_end(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.connect(attachment)
    guest.complete(attachment)
    for action in ("os-begin_detaching", "os-roll_detaching"):
        scene.server.client.post(f"/v3/volumes/{volume}/action", {action: {}})
    assert blank(scene.server, volume)
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert not blank(scene.server, volume)


def test_nothing_makes_it_blank_again(scene: Scene) -> None:
    guest, server = scene.guest(), scene.server
    volume, attachment = scene.attached(guest)
    report(guest, volume)
    report(guest, volume, filesystems=[])
    headers = {"X-Auth-Token": server.token}
    url = f"{server.operator_url}/v3/volumes/{volume}"
    for body in ({"name": "new", "blockstore:blank": True, "blank": True}, {"metadata": {"blank": "true"}}):
        assert requests.put(url, json={"volume": body}, headers=headers, timeout=10).status_code == 200
    server.client.post(f"/v3/volumes/{volume}/action", {"os-extend": {"new_size": 2}})
    guest.ask("DELETE", f"attachments/{attachment}")
    other = scene.guest()
    again = server.attach(volume, other.id)["id"]
    other.connect(again)
    other.ask("DELETE", f"attachments/{again}")
    server.kill()
    server.start()
    assert not blank(server, volume)


def test_it_is_durable_before_it_is_answered(forked: ForkedServer) -> None:
    scene = Scene(forked)
    guest = scene.guest()
    reported, _ = scene.attached(guest)
    released, attachment = scene.attached(guest)
    guest.connect(attachment)
    guest.complete(attachment)
    forked.restart()
    assert report(guest, reported) == 204
    forked.restart()
    assert not blank(forked, reported)
    assert guest.ask("DELETE", f"attachments/{attachment}").status_code == 200
    forked.restart()
    assert not blank(forked, released)


def test_a_release_that_was_killed_ends_it_all_the_same(forked: ForkedServer) -> None:
    scene = Scene(forked)
    killed = 0
    forked.restart(step=1)
    while killed < 20:
        guest = scene.guest()
        volume, attachment = scene.attached(guest)
        guest.connect(attachment)
        guest.complete(attachment)
        forked.arm()
        answered = True
        try:
            guest.ask("DELETE", f"attachments/{attachment}")
        except requests.RequestException:
            answered = False
        if not forked.died:
            break
        assert not answered
        killed += 1
        forked.restart(step=killed + 1)
        there = guest.ask("GET", "attachments").json()["attachments"]
        # Either nothing happened yet, or all of it did.
        assert blank(forked, volume) is bool(there)
        guest.ask("DELETE", f"attachments/{attachment}")
        assert not blank(forked, volume)
    forked.disarm()
    # The order to release, the export, the row: one request to tgtd ends an export that has no session.
    assert 3 < killed < 20


@pytest.mark.parametrize("word", ["imageRef", "backup_id", "source_replica", "consistencygroup_id"])
def test_what_cannot_be_copied_is_not_made_as_if_it_were_blank(server: LocalServer, word: str) -> None:
    body = {"volume": {"size": 1, "name": "copy", word: "something"}}
    answer = requests.post(f"{server.operator_url}/v3/volumes", json=body, headers={"X-Auth-Token": server.token}, timeout=10)
    assert answer.status_code in (400, 404)
    assert not [each for each in server.client.get("/v3/volumes")["volumes"] if each["name"] == "copy"]


def test_a_copy_is_never_blank(scene: Scene) -> None:
    server, source = scene.server, scene.volume()
    snapshot = server.client.post("/v3/snapshots", {"snapshot": {"volume_id": source}})["snapshot"]["id"]
    for origin in ({"snapshot_id": snapshot}, {"source_volid": source}):
        copy = server.client.post("/v3/volumes", {"volume": {"name": "copy", **origin}})["volume"]
        assert (copy["status"], copy["size"]) == ("available", 1)
        assert not blank(server, copy["id"])
    assert blank(server, source)
    # Whatever it is reverted to, nobody says that nothing was ever there.
    server.client.post(f"/v3/volumes/{source}/action", {"revert": {"snapshot_id": snapshot}})
    assert not blank(server, source)
