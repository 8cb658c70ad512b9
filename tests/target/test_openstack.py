"""openstacksdk, unchanged, as the operator's client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openstack
import pytest
import requests

from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Scene
from tests.target.initiator import Login

# openstacksdk warns of its own future.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:openstack.*"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning:openstack.*"),
]

INITIATOR = "iqn.2018-12.com.leftasexercise:sdk"


@pytest.fixture
def storage(server: LocalServer) -> Iterator[Any]:
    connection = openstack.connect(
        load_yaml_config=False, load_envvars=False, auth_type="admin_token",
        auth={"endpoint": server.operator_url, "token": server.token},
        block_storage_endpoint_override=f"{server.operator_url}/v3", block_storage_api_version="3",
        volume_endpoint_override=f"{server.operator_url}/v3", region_name="",
    )  # fmt: skip
    yield connection.block_storage
    connection.close()


def test_a_volume_is_created_found_listed_extended_and_deleted(storage: Any, server: LocalServer) -> None:
    volume = storage.create_volume(name="sdk", size=1, metadata={"blockstore.mount": "/srv"})
    volume = storage.wait_for_status(volume, "available", interval=1, wait=10)
    assert storage.find_volume("sdk").id == volume.id
    assert [each.id for each in storage.volumes(details=True, name="sdk")] == [volume.id]
    assert storage.get_volume(volume.id).metadata == {"blockstore.mount": "/srv"}
    storage.extend_volume(volume, 2)
    assert storage.get_volume(volume.id).size == 2
    assert server.volume_file(volume.id).stat().st_size == 2 << 30
    storage.delete_volume(volume)
    with pytest.raises(openstack.exceptions.NotFoundException):
        storage.get_volume(volume.id)
    assert not server.volume_file(volume.id).exists()


def test_an_attachment_is_created_updated_completed_and_deleted(storage: Any, server: LocalServer) -> None:
    volume = storage.create_volume(name="sdk-attached", size=1)
    attachment = storage.create_attachment(volume.id, instance="not-registered-here")
    assert attachment.status == "reserved"
    assert storage.get_volume(volume.id).status == "reserved"
    updated = storage.update_attachment(attachment, connector={"initiator": INITIATOR, "ip": "127.0.0.1", "multipath": False})
    login = Login.of(updated.connection_info, portal=server.addresses.portal, initiator=INITIATOR)
    assert initiator.inquiry(login).ok
    storage.complete_attachment(attachment)
    assert storage.get_attachment(attachment.id).status == "attached"
    assert storage.get_volume(volume.id).status == "in-use"
    assert [each.id for each in storage.attachments() if each.volume_id == volume.id] == [attachment.id]
    storage.delete_attachment(attachment)
    assert storage.get_volume(volume.id).status == "available"
    assert not initiator.inquiry(login).ok


def test_what_cinder_refuses_is_refused_in_its_words(server: LocalServer, scene: Scene) -> None:
    def ask(method: str, path: str, body: object = None, version: str = "volume 3.54", token: str = "") -> tuple[int, Any]:
        headers = {"X-Auth-Token": token or server.token, "OpenStack-API-Version": version}
        answer = requests.request(method, server.operator_url + path, headers=headers, json=body, timeout=10)
        return answer.status_code, answer.json() if answer.content else None

    volume = scene.volume()
    reserve = {"attachment": {"volume_uuid": volume, "instance_uuid": "one"}}
    assert ask("POST", "/v3/attachments", reserve)[0] == 200
    code, body = ask("POST", "/v3/attachments", reserve)
    # Where Cinder says 400, and not who.
    assert (code, body["conflictingRequest"]["code"]) == (409, 409)
    assert "current status is reserved: instance one has it" in body["conflictingRequest"]["message"]
    code, body = ask("DELETE", f"/v3/volumes/{volume}")
    assert code == 409
    assert "detached before it is deleted: instance one has it" in body["conflictingRequest"]["message"]
    assert ask("GET", "/v3/volumes/nope")[1]["itemNotFound"]["code"] == 404
    assert ask("GET", "/v3/attachments", version="volume 3.0")[0] == 404
    assert ask("GET", "/v3/volumes", version="volume 3.99")[0] == 406
    assert ask("GET", "/v3/volumes", token="wrong")[0] == 401
    assert ask("GET", f"/v3/any-project/volumes/{volume}")[0] == 200
    assert ask("POST", "/v3/volumes", {"volume": {"size": 0}})[0] == 400
    assert ask("POST", "/v3/volumes", {"volume": {"size": "x" * 5}})[0] == 400
    assert ask("POST", "/v3/volumes", {"volume": {"size": 1, "snapshot_id": "s"}})[0] == 404
    assert ask("POST", "/v3/volumes", {"volume": {"size": 1, "imageRef": "i"}})[0] == 400


def test_the_operator_who_merely_looks_sees_no_secret(server: LocalServer, scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest, mutual=True)
    login = guest.login(attachment)
    for path in (f"/v3/attachments/{attachment}", "/v3/attachments/detail", "/v3/attachments", "/v3/volumes/detail"):
        text = str(server.client.get(path))
        assert login.password not in text
        assert login.password_in not in text


def test_versions_need_no_token(server: LocalServer) -> None:
    for path, code in (("/", 300), ("/v3/", 200), ("/v3", 200)):
        answer = requests.get(server.operator_url + path, timeout=10)
        assert answer.status_code == code
        assert answer.json()["versions"][0]["links"][0]["href"] == f"{server.operator_url}/v3/"
