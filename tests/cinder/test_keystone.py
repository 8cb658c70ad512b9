"""The ways of authentication that need Keystone: tokens, catalogue and service token, by a Keystone of 40 lines whose tokens the
real Cinder takes (without Keystone's middleware a token is ``user:project``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from blockstore.reader import Faults, Reader
from metadata_server.domain.errors import Unavailable
from metadata_server.engines.cinder.client import CinderClient
from metadata_server.engines.cinder.session import connect
from metadata_server.engines.cinder.settings import parse
from testbed.cinder import LocalCinder
from testbed.cinder.local import PROJECT

SECRET = "a-planted-keystone-secret"


class Keystone(ThreadingHTTPServer):
    """Gives a token to who knows the secret; ``cinder`` is what its catalogue names."""

    def __init__(self, cinder: str) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.cinder, self.asked = cinder, []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v3"


class Answering(BaseHTTPRequestHandler):
    server: Keystone

    def do_POST(self) -> None:
        identity = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["auth"]["identity"]
        self.server.asked.append(identity["methods"])
        right = SECRET in json.dumps(identity)
        endpoint = {"interface": "internal", "region_id": "one", "region": "one", "url": self.server.cinder, "id": "e"}
        catalog = [{"type": "block-storage", "id": "c", "name": "cinder", "endpoints": [endpoint]}]
        times = {"expires_at": "2099-01-01T00:00:00.000000Z", "issued_at": "2026-01-01T00:00:00.000000Z"}
        whose = {"project": {"id": PROJECT}, "user": {"id": "admin", "name": "admin"}}
        token = {"methods": identity["methods"], "catalog": catalog, **times, **whose}
        self.answer(201 if right else 401, {"token": token} if right else {"error": {"code": 401, "message": "no"}})

    def do_GET(self) -> None:
        version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": self.server.url}]}
        self.answer(200, {"version": version})

    def answer(self, code: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("X-Subject-Token", f"admin:{PROJECT}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_words: Any) -> None:
        pass


@pytest.fixture
def keystone(cinder: LocalCinder) -> Iterator[Keystone]:
    with Keystone(cinder.url) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def client(keystone: Keystone, folder: Path, auth: str, secret: str = SECRET) -> CinderClient:
    file = folder / "secret"
    file.write_text(secret)
    file.chmod(0o600)
    words = {
        "password": {"username": "blockstore", "password_file": str(file), "project": "p"},
        "application_credential": {"credential_id": "0f3b", "secret_file": str(file)},
    }[auth]
    faults = Faults()
    settings = parse(Reader({"auth": auth, "auth_url": keystone.url, "region": "one", **words}, faults))
    faults.raise_any()
    return CinderClient(connect(settings), 20)


@pytest.mark.parametrize("auth", ["password", "application_credential"])
def test_a_token_is_got_once_and_cinder_found_in_the_catalogue(
    keystone: Keystone, cinder: LocalCinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: str
) -> None:
    sent: list[dict[str, str]] = []
    real = requests.Session.send

    def noting(session: requests.Session, request: requests.PreparedRequest, **words: Any) -> requests.Response:
        sent.append({"url": str(request.url), **request.headers})
        return real(session, request, **words)

    monkeypatch.setattr(requests.Session, "send", noting)
    found = client(keystone, tmp_path, auth)
    assert found.volumes() is not None
    assert found.attachments({"none"}) is not None
    # One for the user and one for the service, however many calls follow.
    assert keystone.asked in ([[auth]], [[auth], [auth]])
    calls = [each for each in sent if "/attachments" in each["url"]]
    assert calls
    assert {each["X-Service-Token"] for each in calls} == {f"admin:{PROJECT}"}
    assert {each["OpenStack-API-Version"] for each in calls} == {"volume 3.54"}


@pytest.mark.parametrize("auth", ["password", "application_credential"])
def test_a_wrong_secret_is_unavailable_and_not_told(
    keystone: Keystone, tmp_path: Path, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(Unavailable) as raised:
        client(keystone, tmp_path, auth, "a-planted-wrong-one").volumes()
    assert "Unauthorized" in str(raised.value)
    assert "a-planted" not in str(raised.value) + caplog.text


def test_a_keystone_that_is_gone_is_unavailable(keystone: Keystone, tmp_path: Path) -> None:
    found = client(keystone, tmp_path, "password")
    keystone.shutdown()
    keystone.server_close()
    with pytest.raises(Unavailable, match="does not answer"):
        found.volumes()
