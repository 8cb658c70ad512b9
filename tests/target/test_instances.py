"""The listener for instances: an instance sees itself and nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests
import yaml

from blockstore import attachment as words
from blockstore.reader import Faults, Reader
from testbed.server import ENVIRONMENT, LocalServer
from tests.target.conftest import Scene


def parsed(document: object) -> words.Attachment:
    faults = Faults()
    found = words.parse(Reader(document, faults))
    faults.raise_any()
    assert found is not None
    return found


def test_the_guest_can_parse_what_is_listed_and_what_is_handed_out(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest, mutual=True)
    (listed,) = (parsed(each) for each in guest.ask("GET", "attachments").json()["attachments"])
    assert (listed.id, listed.status, listed.volume.serial, listed.volume.blank) == (
        attachment,
        words.Status.RESERVED,
        volume,
        True,
    )
    handed = parsed(guest.connect(attachment).json()["attachment"])
    assert handed.connection is not None
    assert handed.connection.serial == volume
    assert handed.connection.chap_algs == ("MD5",)
    assert str(handed.connection.paths[0].portal) == scene.server.addresses.portal_advertised


def test_the_same_connector_again_gives_the_same_answer_and_keeps_attached(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    first = guest.connect(attachment).json()
    assert guest.connect(attachment).json() == first
    guest.complete(attachment)
    again = guest.connect(attachment).json()
    assert again["attachment"]["status"] == "attached"
    assert again["attachment"]["connection_info"] == first["attachment"]["connection_info"]


def test_complete_only_what_is_connected(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    action = f"attachments/{attachment}/action"
    assert guest.ask("POST", action, {"os-complete": {}}).status_code == 409
    guest.connect(attachment)
    assert guest.ask("POST", action, {"os-complete": {}}).status_code == 204
    assert guest.ask("POST", action, {"os-complete": {}}).status_code == 204
    assert guest.ask("POST", action, {"os-explode": {}}).status_code == 400


def test_nobody_gets_in_without_a_token(scene: Scene) -> None:
    guest = scene.guest()
    for path in ("meta-data", "attachments", "attachments/x"):
        assert guest.ask("GET", path, token="wrong").status_code == 401
        assert requests.get(f"{scene.server.instance_url}/v1/{path}", timeout=10).status_code == 401
    assert guest.ask("PUT", "report", {}, token="").status_code == 401


def test_another_instances_attachment_does_not_exist(scene: Scene) -> None:
    owner, stranger = scene.guest(), scene.guest()
    _, attachment = scene.attached(owner)
    assert stranger.ask("GET", "attachments").json() == {"attachments": []}
    assert stranger.ask("GET", f"attachments/{attachment}").status_code == 404
    assert stranger.connect(attachment).status_code == 404
    assert stranger.ask("POST", f"attachments/{attachment}/action", {"os-complete": {}}).status_code == 404
    assert stranger.ask("DELETE", f"attachments/{attachment}").status_code == 404
    assert owner.ask("GET", f"attachments/{attachment}").status_code == 200


def test_no_get_holds_a_secret(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest, mutual=True)
    login = guest.login(attachment)
    for path in ("meta-data", "user-data", "vendor-data", "attachments", f"attachments/{attachment}"):
        text = guest.ask("GET", path).text
        for secret in (login.password, login.password_in, guest.token):
            assert secret not in text


def test_the_documents_are_those_of_a_seed(scene: Scene) -> None:
    guest = scene.guest()
    meta = yaml.safe_load(guest.ask("GET", "meta-data").text)
    assert meta["instance-id"] == guest.id
    assert meta["blockstore"] == {"endpoint": scene.server.addresses.endpoint, "initiator_name": guest.initiator}
    assert guest.ask("GET", "user-data").text.startswith("#cloud-config\n")
    assert guest.ask("GET", "network-config").status_code == 404
    named = scene.server.create_instance("named", user_data="#!/bin/sh\necho {{ x }}\n", network_config="version: 2\n")
    for name, text in (("user-data", "#!/bin/sh\necho {{ x }}\n"), ("network-config", "version: 2\n")):
        assert guest.ask("GET", name, token=named["token"]).text == text


def test_what_did_not_change_is_not_sent_again(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    tag = guest.ask("GET", "attachments").headers["ETag"]
    same = guest.ask("GET", "attachments", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    guest.connect(attachment)
    assert guest.ask("GET", "attachments", headers={"If-None-Match": tag}).status_code == 200


def test_an_answer_is_held_until_something_changes(scene: Scene) -> None:
    guest = scene.guest()
    tag = guest.ask("GET", "attachments").headers["ETag"]
    volume = scene.volume()
    timer = threading.Timer(0.5, scene.server.attach, (volume, guest.id))
    begun = time.monotonic()
    timer.start()
    answer = guest.ask("GET", "attachments", params={"wait": 25}, headers={"If-None-Match": tag})
    timer.join()
    assert 0.4 < time.monotonic() - begun < 20
    assert [each["volume"]["id"] for each in answer.json()["attachments"]] == [volume]
    tag = answer.headers["ETag"]
    begun = time.monotonic()
    assert guest.ask("GET", "attachments", params={"wait": 1}, headers={"If-None-Match": tag}).status_code == 304
    assert time.monotonic() - begun > 0.9
    assert guest.ask("GET", "attachments", params={"wait": "long"}).status_code == 400


def test_wrong_bodies_say_what_is_wrong(scene: Scene) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    answer = guest.ask("PUT", f"attachments/{attachment}", {"attachment": {"connector": {"initiator": "IQN_wrong", "ip": 7}}})
    assert answer.status_code == 400
    message = answer.json()["badRequest"]["message"]
    assert "attachment.connector.initiator" in message
    assert "attachment.connector.ip" in message
    bad = requests.put(
        f"{scene.server.instance_url}/v1/report", data="{", headers={"Authorization": f"Bearer {guest.token}"}, timeout=10
    )
    assert bad.status_code == 400
    assert guest.ask("PUT", "report", {"x": "y" * (600 * 1024)}).status_code == 413


def test_detach_waits_for_the_guest(scene: Scene) -> None:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.connect(attachment)
    guest.complete(attachment)
    done: list[Any] = []
    command = threading.Thread(target=lambda: done.append(scene.server.detach(volume, wait=True)))
    tag = guest.ask("GET", "attachments").headers["ETag"]
    command.start()
    answer = guest.ask("GET", "attachments", params={"wait": 30}, headers={"If-None-Match": tag})
    assert [each["status"] for each in answer.json()["attachments"]] == ["detaching"]
    assert guest.connect(attachment).status_code == 409
    assert not done
    assert guest.ask("DELETE", f"attachments/{attachment}").json() == {"attachments": []}
    command.join(20)
    assert done == [{"id": attachment, "volume_status": "available"}]


def test_a_new_seed_has_a_token_of_its_own_and_revoke_ends_the_others(server: LocalServer, scene: Scene, tmp_path: Path) -> None:
    guest = scene.guest()
    path = server.seed(guest.id, tmp_path / "seed.iso")
    assert path.stat().st_mode & 0o777 == 0o600
    token = token_in(path)
    assert token != guest.token
    for each in (token, guest.token):
        assert guest.ask("GET", "attachments", token=each).status_code == 200
    server.cli("seed", guest.id, "-o", str(path), "--revoke")
    for each in (token, guest.token):
        assert guest.ask("GET", "attachments", token=each).status_code == 401
    assert guest.ask("GET", "attachments", token=token_in(path)).status_code == 200


def test_no_token_is_ended_before_the_new_seed_is_written(server: LocalServer, scene: Scene, tmp_path: Path) -> None:
    guest = scene.guest()
    path = server.seed(guest.id, tmp_path / "seed.iso")
    before = path.read_bytes()
    full = small(server, "seed", guest.id, "-o", str(path), "--revoke")
    assert (full.returncode, full.stderr) == (1, f"blockstore-server: {path} cannot be written: File too large\n")
    nowhere = small(server, "seed", guest.id, "-o", f"{tmp_path}/none/seed.iso", "--revoke")
    assert (nowhere.returncode, "No such file" in nowhere.stderr, "Traceback" in nowhere.stderr) == (1, True, False)
    for each in (guest.token, token_in(path)):
        assert guest.ask("GET", "attachments", token=each).status_code == 200
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["seed.iso"]


def test_only_a_token_that_counts_ends_the_others(server: LocalServer, scene: Scene) -> None:
    guest, other = scene.guest(), scene.guest()
    url = f"{server.operator_url}/instances/{guest.id}/revoke"
    for token, status in ((other.token, 409), ("x", 409), (guest.token, 204), (guest.token, 204)):
        answer = requests.post(url, json={"token": token}, headers={"X-Auth-Token": server.token}, timeout=10)
        assert answer.status_code == status
        assert token == "x" or token not in answer.text
        assert guest.ask("GET", "attachments").status_code == 200
    assert other.ask("GET", "attachments").status_code == 200


def token_in(seed: Path) -> str:
    image = seed.read_bytes()
    start = image.index(b"token: ") + len("token: ") + 1
    return image[start : start + 43].decode()


def small(server: LocalServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, where a file can have 8 KiB and no more."""
    shell = ["sh", "-c", 'ulimit -f 16; exec "$@"', "sh"]
    argv = [*shell, sys.executable, "-m", "metadata_server", "--state", str(server.state), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False)


def test_the_second_answer_of_a_connection_does_not_wait_for_an_acknowledgement(scene: Scene) -> None:
    guest = scene.guest()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {guest.token}"

        def milliseconds() -> float:
            begun = time.monotonic()
            assert session.get(f"{scene.server.instance_url}/v1/attachments", timeout=10).status_code == 200
            return (time.monotonic() - begun) * 1000

        milliseconds()
        # Linux delays an acknowledgement by 40 ms; the quickest of ten tells it from a busy machine.
        assert min(milliseconds() for _ in range(10)) < 35
