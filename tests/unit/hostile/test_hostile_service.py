"""The metadata service, gone wrong or bad: refused in one line, within bytes and seconds, and the token goes nowhere else."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import BaseAdapter

from blockstore.connector import Connector
from blockstore.errors import BlockstoreError, DocumentInvalid, ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.report import Report
from blockstore.secret import Secret
from blockstore.waiting import Deadline
from cc_blockstore import client as door
from cc_blockstore.client import MetadataClient
from tests.unit.fakes import FakeClock
from tests.unit.hostile.hostility import KEYS, PLANTED, SCALARS, TEXTS, around, hostile, one_line
from tests.unit.wire import ATTACHMENTS, CONNECTIONS, broken

CONNECTOR = Connector("iqn.2018-12.com.x:a")


class Raw(io.BytesIO):
    """A body that may come slowly."""

    def __init__(self, data: bytes, wait: Callable[[], None] = lambda: None) -> None:
        super().__init__(data)
        self.wait, self.given = wait, 0

    def read(self, size: int | None = -1) -> bytes:
        self.wait()
        data = super().read(size)
        self.given += len(data)
        return data


class Service(BaseAdapter):
    """Answers what the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []
        self.status, self.headers, self.reason = 200, {}, "OK"  # type: ignore[var-annotated]
        self.raw = Raw(b"")

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        assert kwargs["stream"]
        self.hosts.append(str(request.url))
        response = requests.Response()
        response.status_code, response.url, response.request, response.reason = (
            self.status,
            str(request.url),
            request,
            self.reason,
        )
        response.headers.update(self.headers)
        response.raw = self.raw
        return response

    def close(self) -> None:
        """Nothing is open."""


class Asked:
    """The client and what it talks to."""

    def __init__(self) -> None:
        self.service, self.client = Service(), MetadataClient("http://service:8775", Secret(PLANTED))
        for scheme in ("http://", "https://"):
            self.client._session().mount(scheme, self.service)
        self.deadline = Deadline.after(60, FakeClock())

    def answers(self, body: object, status: int = 200, **headers: str) -> None:
        self.service.raw = Raw(body if isinstance(body, bytes) else json.dumps(body).encode())
        self.service.status, self.service.headers = status, headers

    def questions(self) -> list[Callable[[], object]]:
        client, deadline = self.client, self.deadline
        return [
            lambda: client.attachments(deadline),
            lambda: client.connect("a1", CONNECTOR, deadline),
            lambda: client.document("user-data", deadline),
            lambda: client.complete("a1", deadline),
            lambda: client.detach("a1", deadline),
            lambda: client.report(Report("i", "n", "now", 1), deadline),
        ]

    def all(self, body: object, status: int = 200, **headers: str) -> list[BlockstoreError]:
        """Every question, and those that were refused."""
        refused = []
        for question in self.questions():
            self.answers(body, status, **headers)
            try:
                question()
            except BlockstoreError as error:
                refused.append(error)
        assert all(one_line(str(error)) and PLANTED not in str(error) for error in refused)
        return refused


@pytest.fixture
def asked() -> Asked:
    return Asked()


BODIES = {
    "nothing": b"",
    "truncated": b'{"attachments": [{"id": "a1", "volume": {"id":',
    "no UTF-8": b'{"attachments": "\xff\xfe"}',
    "UTF-16": '{"attachments": 1}'.encode("utf-16"),
    "deep": b"[" * 200_000,
    "deep in a place": b'{"attachments": [{"volume": ' + b'{"a":' * 100_000,
    "large number": b'{"attachments": ' + b"9" * 100_000 + b"}",
    "NaN": b'{"attachments": [NaN, Infinity]}',
    "HTML": b"<html><body>login</body></html>",
    "two": b"{}{}",
    "NUL": b"\0" * 100,
    "surrogates": b'{"attachments": [{"id": "\\ud800", "volume": {"id": "\\udfff"}}]}',
    "a message of another kind": b'{"x": {"message": {"a": [1, 2]}}}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_body_that_is_none(asked: Asked, name: str, status: int):
    refused = asked.all(BODIES[name], status)
    assert len(refused) == 6 if status >= 400 else refused or b"attachments" in BODIES[name]


@pytest.mark.parametrize(
    "status", [100, 199, 300, 301, 302, 303, 304, 307, 308, 399, 400, 401, 403, 418, 429, 499, 500, 503, 599, 999]
)
@pytest.mark.parametrize("headers", [{}, {"location": "http://elsewhere/"}, {"location": "\x1b"}, {"retry-after": "999999"}])
def test_only_a_2xx_is_a_yes(asked: Asked, status: int, headers: dict[str, str]):
    refused = asked.all({}, status, **headers)
    assert len(refused) == 6
    assert all(isinstance(error, ServiceDenied) and error.status == status for error in refused)
    assert len(asked.service.hosts) == 6, "nothing is asked twice"
    assert all(url.startswith("http://service:8775/") for url in asked.service.hosts), "and nobody else"


def test_a_reason_that_is_no_text_for_a_log(asked: Asked):
    asked.service.reason = f"\x1b[2J\r\nBearer {PLANTED} " + "x" * 10_000
    [first, *_] = asked.all(b"", 500)
    assert len(str(first)) < 400


def test_an_answer_without_an_end_is_not_read_to_it(asked: Asked, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(door, "LONGEST", 1 << 20)
    asked.answers(b" " * (8 << 20))
    with pytest.raises(ServiceError, match="with more than 1 MiB"):
        asked.client.attachments(asked.deadline)
    assert asked.service.raw.given <= (1 << 20) + door.CHUNK
    asked.answers(b'{"message": "' + b"x" * (8 << 20), 500)
    with pytest.raises(ServiceDenied, match="500"):
        asked.client.attachments(asked.deadline)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x"])
def test_a_compressed_answer_is_refused(asked: Asked, encoding: str):
    refused = asked.all(b"\x1f\x8b", **{"content-encoding": encoding})
    assert len(refused) == 6
    assert "compressed" in str(refused[0])
    assert asked.client._session().headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("kind", ["text/html", "application/json; charset=utf-7", "text/plain; charset=nonsense", "\x1b", ""])
def test_the_content_type_changes_nothing(asked: Asked, kind: str):
    asked.answers({"attachments": []}, **{"content-type": kind})
    assert asked.client.attachments(asked.deadline) == ((), ())
    asked.answers("größe".encode(), **{"content-type": kind})
    assert asked.client.document("user-data", asked.deadline) == "größe".encode()


def test_a_byte_now_and_then_holds_nobody_up(asked: Asked):
    ended = threading.Event()
    asked.service.raw = Raw(b"x" * 100, lambda: bool(ended.wait(20)) and None)
    deadline, begun = Deadline.after(0.1, FakeClock()), time.monotonic()
    with pytest.raises(ServiceUnreachable, match="did not answer in time"):
        asked.client.attachments(deadline)
    assert time.monotonic() - begun < 5
    ended.set()


def test_after_the_deadline_a_silent_service_is_not_asked_again(asked: Asked):
    def fail() -> None:
        raise requests.ReadTimeout

    asked.service.raw.wait = fail
    deadline = Deadline.after(0, FakeClock())
    for _ in range(3):
        with pytest.raises(ServiceUnreachable):
            asked.client.complete("a1", deadline)
    assert len(asked.service.hosts) == 1


@hostile(50)
@given(around(KEYS.filter(lambda key: isinstance(key, str)) | st.sampled_from(["attachments", "attachment", "volume", "id"])))
def test_any_json(value: object):
    asked = Asked()
    try:
        body = json.dumps({"attachments": value, "attachment": value}, default=str)
    except ValueError:  # a number that Python does not print
        return
    asked.all(body.encode())


@hostile(40)
@given(ATTACHMENTS, st.data())
def test_a_broken_attachment_does_not_hold_up_the_others(attachment, data):
    asked = Asked()
    wire = data.draw(broken(attachment.to_wire()))
    asked.answers({"attachments": [wire, {"id": "good", "volume": {"id": "good"}}]})
    found, faults = asked.client.attachments(asked.deadline)
    assert found[-1].id == "good"
    assert len(found) == 2 or faults
    assert all(one_line(str(fault)) for fault in faults)


@hostile(40)
@given(st.sampled_from(["id", "name", "serial", "size", "blank", "metadata", "status", "mode"]), TEXTS | SCALARS)
def test_hostile_words_of_an_attachment(key: str, value: object):
    asked = Asked()
    place: dict[str, object] = {"id": "a1", "volume": {"id": "v1"}}
    (place if key in ("status", "mode") else place["volume"]).update({key: value})  # type: ignore[attr-defined]
    try:
        body = json.dumps({"attachments": [place]}, default=str)
    except ValueError:
        return
    asked.answers(body.encode())
    for each in asked.client.attachments(asked.deadline)[0]:
        assert "/" not in each.volume.id + each.id
        assert not each.volume.id.startswith(".")
        assert "\n" not in each.volume.name + each.volume.serial
        assert len(each.volume.name) <= 255


@hostile(50)
@given(CONNECTIONS, st.data())
def test_a_broken_connection_is_refused_without_its_secrets(connection, data):
    asked = Asked()
    asked.answers({"attachment": {"connection_info": data.draw(broken(connection.to_wire()))}})
    try:
        asked.client.connect("a1", CONNECTOR, asked.deadline)
    except (DocumentInvalid, ServiceError) as error:
        assert one_line(str(error))  # noqa: PT017
        password = connection.chap.password.reveal() if connection.chap else ""
        assert len(password) < 6 or password not in str(error)  # noqa: PT017


@hostile(40)
@given(TEXTS)
def test_an_id_stays_in_its_part_of_the_url(identifier: str):
    asked = Asked()
    asked.answers({})
    try:
        asked.client.complete(identifier, asked.deadline)
    except (BlockstoreError, UnicodeEncodeError):
        return
    assert asked.service.hosts[0].startswith("http://service:8775/v1/attachments")
    assert asked.service.hosts[0].endswith("/action")
    assert asked.service.hosts[0].count("/") == 6 or identifier in ("", ".", "..")


def test_ten_thousand_attachments_take_a_moment(asked: Asked):
    asked.answers(
        {"attachments": [{"id": f"a{n}", "volume": {"id": f"v{n}", "name": f"n{n}", "serial": f"v{n}"}} for n in range(10_000)]}
    )
    begun = time.process_time()
    assert len(asked.client.attachments(asked.deadline)[0]) == 10_000
    asked.answers({"attachments": [{"id": "../x", "volume": 1}] * 10_000})
    found, faults = asked.client.attachments(asked.deadline)
    assert (found, str(faults[-1])) == ((), "and 29000 more faults")
    assert time.process_time() - begun < 4
