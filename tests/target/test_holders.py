"""One volume, one instance: who comes second is told who has it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openstack
import pytest
import requests

from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Scene
from tests.target.test_command import run
from tests.target.test_openstack import pytestmark, storage

__all__ = ["pytestmark", "storage"]


def reserve(server: LocalServer, volume: str, instance: str, mode: str = "rw") -> tuple[int, Any]:
    headers = {"X-Auth-Token": server.token, "OpenStack-API-Version": "volume 3.54"}
    body = {"attachment": {"volume_uuid": volume, "instance_uuid": instance, "mode": mode}}
    answer = requests.post(f"{server.operator_url}/v3/attachments", headers=headers, json=body, timeout=30)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("first", "second"), [("rw", "rw"), ("rw", "ro"), ("ro", "rw"), ("ro", "ro")])
def test_the_second_is_refused_in_every_mode_and_told_who_has_it(scene: Scene, first: str, second: str) -> None:
    owner, other = scene.guest(), scene.guest()
    volume, attachment = scene.attached(owner, mode=first)
    name = scene.server.client.instance(owner.id)["name"]
    for status, move in (("reserved", owner.connect), ("attaching", owner.complete), ("attached", None)):
        code, body = reserve(scene.server, volume, other.id, second)
        assert code == 409
        message = body["conflictingRequest"]["message"]
        assert f"instance {owner.id} ({name}) has it, attachment {attachment} is {status} with mode {first}" in message
        if move is not None:
            move(attachment)
    assert other.ask("GET", "attachments").json() == {"attachments": []}
    assert reserve(scene.server, volume, owner.id, second)[0] == 409


def test_the_owner_goes_on_and_the_next_one_gets_it_afterwards(scene: Scene) -> None:
    owner, other = scene.guest(), scene.guest()
    volume, attachment = scene.attached(owner)
    login = owner.login(attachment)
    assert reserve(scene.server, volume, other.id)[0] == 409
    assert initiator.io(login, "write -P 0x51 0 4k").ok
    assert owner.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert reserve(scene.server, volume, other.id)[0] == 200


def test_of_many_at_once_one_wins(scene: Scene) -> None:
    guests = [scene.guest() for _ in range(8)]
    for _ in range(5):
        volume = scene.volume()
        with ThreadPoolExecutor(len(guests)) as pool:
            answers = list(pool.map(lambda guest, volume=volume: reserve(scene.server, volume, guest.id), guests))
        assert sorted(code for code, _ in answers) == [200] + [409] * (len(guests) - 1)
        (won,) = [body["attachment"] for code, body in answers if code == 200]
        for code, body in answers:
            assert code == 200 or f"instance {won['instance']} (" in body["conflictingRequest"]["message"]
        assert len(scene.server.client.get("/v3/attachments", volume_id=volume)["attachments"]) == 1


def test_who_has_it_is_said_at_deletion_too(scene: Scene) -> None:
    owner = scene.guest()
    volume, attachment = scene.attached(owner)
    said = run(scene.server, "volume", "delete", volume)
    assert said.returncode == 1
    assert f"instance {owner.id} (" in said.stderr
    assert f"attachment {attachment} is reserved with mode rw" in said.stderr
    assert owner.ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert owner.ask("DELETE", f"attachments/{attachment}").status_code == 404
    assert run(scene.server, "volume", "delete", volume).returncode == 0


def test_the_command_says_it(scene: Scene) -> None:
    owner, other = scene.guest(), scene.guest()
    volume, _ = scene.attached(owner)
    said = run(scene.server, "attach", volume, other.id)
    assert (said.returncode, f"instance {owner.id} (" in said.stderr) == (1, True)


def test_openstacksdk_raises_a_conflict_that_says_it(storage: Any, scene: Scene) -> None:
    volume = scene.volume()
    first = storage.create_attachment(volume, instance="one")
    with pytest.raises(openstack.exceptions.ConflictException, match="instance one has it"):
        storage.create_attachment(volume, instance="two")
    with pytest.raises(openstack.exceptions.ConflictException, match="instance one has it"):
        storage.delete_volume(volume, ignore_missing=False)
    storage.delete_attachment(first)
    storage.delete_attachment(storage.create_attachment(volume, instance="two"))
