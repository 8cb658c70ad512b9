"""The quick way of an attachment's calls answers as FastAPI's does, refusals too; the content type decides which is taken."""

from __future__ import annotations

import json

import pytest
import requests

from testbed.server import LocalServer

QUICK, FRAMEWORK = "application/json", "application/json; charset=utf-8"
CONNECTOR = {"initiator": "iqn.2018-12.com.leftasexercise:direct", "ip": "127.0.0.1", "host": "here"}
NOBODY = "00000000-0000-4000-8000-000000000000"


class Asking:
    """One server, asked in both ways."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server
        self._session = requests.Session()

    def ask(self, method, path, body=None, kind=QUICK, *, query="", version="3.71", token=""):
        headers = {
            "X-Auth-Token": token or self._server.token, "OpenStack-API-Version": f"volume {version}", "Content-Type": kind,
        }  # fmt: skip
        data = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        return self._session.request(method, f"{self._server.operator_url}{path}{query}", data=data, headers=headers, timeout=30)

    def volume(self, name):
        return self.ask("POST", "/v3/volumes", {"volume": {"size": 1, "name": name}}).json()["volume"]["id"]


@pytest.fixture(scope="module")
def asking(tmp_path_factory):
    with LocalServer(tmp_path_factory.mktemp("direct"), advertised_host="") as server:
        yield Asking(server)


def shapes(found):
    """Keys and types, all the way down."""
    if isinstance(found, dict):
        return {key: shapes(value) for key, value in found.items()}
    return [shapes(each) for each in found] if isinstance(found, list) else type(found).__name__


def life(asking, volume, kind, query):
    """All five calls; what was answered to each."""
    wish = {"attachment": {"volume_uuid": volume, "mode": "rw"}}
    reserved = asking.ask("POST", "/v3/attachments", wish, kind)
    one = f"/v3/attachments/{reserved.json()['attachment']['id']}"
    yield reserved
    yield asking.ask("GET", one, query=query)
    yield asking.ask("PUT", one, {"attachment": {"connector": CONNECTOR}}, kind)
    yield asking.ask("POST", f"{one}/action", {"os-complete": {}}, kind)
    yield asking.ask("GET", one, query=query)
    yield asking.ask("DELETE", one, query=query)


def told(answer):
    skipped = {"Date", "X-OpenStack-Request-ID", "Content-Length"}
    headers = {
        key.lower(): value for key, value in answer.headers.items() if key.lower() not in {each.lower() for each in skipped}
    }
    return answer.status_code, headers, shapes(answer.json()) if answer.content else None


def test_both_ways_answer_alike_for_a_whole_life(asking):
    quick = [told(each) for each in life(asking, asking.volume("quick"), QUICK, "")]
    framework = [told(each) for each in life(asking, asking.volume("framework"), FRAMEWORK, "?x=1")]
    assert quick == framework
    assert [status for status, _, _ in quick] == [200, 200, 200, 204, 200, 200]


BODIES = {
    "nothing in it": {}, "no attachment": {"attachment": {}}, "not a mapping": {"attachment": []}, "a list": [1],
    "a key too many": {"attachment": {"volume_uuid": NOBODY, "colour": "red"}},
    "two faults": {"attachment": {"volume_uuid": 5, "mode": []}},
    "no such volume": {"attachment": {"volume_uuid": NOBODY}},
    "an unknown mode": {"attachment": {"volume_uuid": NOBODY, "mode": "rx"}},
    "an empty connector": {"attachment": {"connector": {}}},
    "a connector without an initiator": {"attachment": {"connector": {"ip": "127.0.0.1"}}},
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v3/attachments"), ("PUT", f"/v3/attachments/{NOBODY}"), ("POST", f"/v3/attachments/{NOBODY}/action"),
])  # fmt: skip
def test_both_ways_refuse_in_the_same_words(asking, method, path, body):
    quick, framework = (asking.ask(method, path, body, kind) for kind in (QUICK, FRAMEWORK))
    assert (quick.status_code, quick.json()) == (framework.status_code, framework.json())
    assert quick.status_code in (400, 404)


@pytest.mark.parametrize("body", [b"", b"{", b'{"attachment": \xff}', b'"text"'])
def test_what_is_no_json_is_refused_without_a_word_of_it(asking, body):
    answer = asking.ask("POST", "/v3/attachments", body)
    assert answer.status_code == 400
    assert "text" not in answer.text


def test_the_quick_way_asks_who_comes_and_in_which_version(asking):
    path = f"/v3/attachments/{NOBODY}"
    assert asking.ask("GET", path, token="wrong").status_code == 401
    assert asking.ask("GET", path, version="3.26").status_code == 404
    assert "3.27" in asking.ask("GET", path, version="3.26").text
    assert asking.ask("GET", path, version="9.9").status_code == 406
    assert asking.ask("PATCH", path).status_code == 405
