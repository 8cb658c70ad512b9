"""Who may end an attachment that names an instance and is connected (CVE-2023-2088): services, else Nova has to agree. What Nova
says is said here by a listener of ours; who asks it, and who decides, are the real Cinder and Keystone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests

from tests.cinder.conftest import Scene
from tests.cinder.keystone.conftest import PROJECT, Cloud

pytestmark = pytest.mark.parametrize("server", ["password"], indirect=True)


class Nova(ThreadingHTTPServer):
    """Has the attachments ``known``, by volume."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.known: dict[str, str] = {}
        self.asked: list[str] = []


class Answering(BaseHTTPRequestHandler):
    server: Nova

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        volume = self.path.rpartition("/")[2]
        found = self.server.known.get(volume)
        words = (
            {"volumeAttachment": {"volumeId": volume, "attachment_id": found}} if found else {"itemNotFound": {"message": "no"}}
        )
        data = json.dumps(words).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def nova(cloud: Cloud) -> Iterator[Nova]:
    with Nova() as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        entry = cloud.administrator.service("nova", "compute", f"http://127.0.0.1:{listening.server_port}/v2.1")
        yield listening
        cloud.administrator.forget(entry)
        listening.shutdown()


def connected(scene: Scene) -> tuple[str, str]:
    guest = scene.guest()
    volume, attachment = scene.attached(guest)
    guest.login(attachment)
    guest.complete(attachment)
    return volume, attachment


def test_where_nova_has_it_cinder_refuses_everybody_but_services(scene: Scene, nova: Nova) -> None:
    volume, attachment = connected(scene)
    nova.known[volume] = attachment
    refused = scene.cinder.ask("DELETE", f"/attachments/{attachment}")
    assert refused.status_code == 409, refused.text
    assert len(nova.asked) == 1
    assert scene.attachment_status(attachment) == "attached"
    scene.server.detach(volume, force=True)
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("available", "")
    assert len(nova.asked) == 1


def test_where_nova_does_not_know_it_every_member_may(scene: Scene, nova: Nova, cloud: Cloud) -> None:
    """So it is with instances of ours: a Nova beside it does not keep others from pulling a volume from under them."""
    volume, attachment = connected(scene)
    headers = {
        "X-Auth-Token": cloud.administrator.token_of(cloud.account("member"), PROJECT), "OpenStack-API-Version": "volume 3.54",
    }  # fmt: skip
    answer = requests.delete(f"{scene.cinder.url}/attachments/{attachment}", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    assert len(nova.asked) == 1
    assert scene.status(volume) == "available"


def test_without_a_nova_cinder_ends_nothing_but_for_services(scene: Scene) -> None:
    volume, attachment = connected(scene)
    assert scene.cinder.ask("DELETE", f"/attachments/{attachment}").status_code == 500
    assert (scene.status(volume), scene.attachment_status(attachment)) == ("in-use", "attached")
    scene.server.detach(volume, force=True)
    assert scene.status(volume) == "available"
