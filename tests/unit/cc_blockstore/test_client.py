"""The metadata service, asked through a transport in the test's hand: what is asked, and what is told of every failure."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from blockstore.attachment import Attachment, Volume
from blockstore.connector import Connector
from blockstore.errors import BlockstoreError, DocumentInvalid, ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.report import Report
from blockstore.secret import Secret
from blockstore.waiting import Deadline
from cc_blockstore.client import MetadataClient
from tests.unit.fakes import FakeClock

TOKEN, PASSWORD = "Plant3dT0ken", "Plant3dS3cret"
CONNECTOR = Connector("iqn.2018-12.com.x:a", "10.0.2.15")
CONNECTION = {
    "driver_volume_type": "iscsi",
    "target_portal": "10.0.0.1:3260",
    "target_iqn": "iqn.2010-10.org.openstack:v",
    "target_lun": 1,
    "auth_method": "CHAP",
    "auth_username": "u",
    "auth_password": PASSWORD,
}


class Service(BaseAdapter):
    """Answers without a network; remembers what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str, Any]] = []
        self.requests: list[requests.PreparedRequest] = []
        self.timeouts: list[tuple[float, float]] = []
        self.answer: Callable[[requests.PreparedRequest], tuple[int, Any]] = lambda request: (200, {})

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.requests.append(request)
        self.asked.append((str(request.method), str(request.url), json.loads(request.body) if request.body else None))
        self.timeouts.append(kwargs["timeout"])
        status, body = self.answer(request)
        response = requests.Response()
        response.status_code, response.url, response.request, response.reason = status, str(request.url), request, "Reason"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response.raw = io.BytesIO(data)
        if status in (301, 302):
            response.headers["location"] = "http://elsewhere/"
        return response

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> MetadataClient:
    made = MetadataClient("http://service:8775", Secret(TOKEN))
    made._session().mount("http://", service)
    return made


@pytest.fixture
def deadline(clock: FakeClock) -> Deadline:
    return Deadline.after(60, clock)


def answering(service: Service, status: int, body: Any = None) -> None:
    service.answer = lambda request: (status, body if body is not None else {})


def test_the_list(client, service, deadline):
    answering(service, 200, {"attachments": [Attachment("a1", Volume("v1", "data", 1)).to_wire()]})
    found, faults = client.attachments(deadline)
    assert [each.id for each in found] == ["a1"]
    assert faults == ()
    assert service.asked == [("GET", "http://service:8775/v1/attachments", None)]
    assert service.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_one_that_cannot_be_understood_does_not_hold_up_the_others(client, service, deadline):
    good = Attachment("a1", Volume("v1", "data", 1)).to_wire()
    answering(service, 200, {"attachments": [{"id": "../x", "volume": {}}, good, 7]})
    found, faults = client.attachments(deadline)
    assert [each.id for each in found] == ["a1"]
    assert faults


def test_connect_sends_the_connector_and_reads_the_secret(client, service, deadline):
    answering(service, 200, {"attachment": {"connection_info": CONNECTION}})
    connection = client.connect("a/1", CONNECTOR, deadline)
    assert connection.chap.password == Secret(PASSWORD)
    body = {"attachment": {"connector": CONNECTOR.to_wire()}}
    assert service.asked == [("PUT", "http://service:8775/v1/attachments/a%2F1", body)]


def test_complete_detach_and_report(client, service, deadline):
    client.complete("a1", deadline)
    client.detach("a1", deadline)
    report = Report("i-1", "iqn", "now", 1)
    client.report(report, deadline)
    assert service.asked == [
        ("POST", "http://service:8775/v1/attachments/a1/action", {"os-complete": {}}),
        ("DELETE", "http://service:8775/v1/attachments/a1", None),
        ("PUT", "http://service:8775/v1/report", report.to_wire()),
    ]


def test_what_is_gone_already_is_no_error(client, service, deadline):
    answering(service, 404)
    client.detach("a1", deadline)
    assert client.document("user-data", deadline) == b""
    answering(service, 409)
    with pytest.raises(ServiceDenied):
        client.detach("a1", deadline)


def test_every_call_keeps_its_deadline(client, service, clock):
    client.complete("a1", Deadline.after(2, clock))
    client.complete("a1", Deadline.after(600, clock))
    client.complete("a1", Deadline.after(0, clock))
    assert service.timeouts == [(2.0, 2.0), (3.0, 15.0), (0.5, 0.5)]


def test_no_environment_stands_between(client):
    assert client._session().trust_env is False


FAILURES = [
    requests.ConnectTimeout(TOKEN),
    requests.ReadTimeout(TOKEN),
    requests.exceptions.SSLError(TOKEN),
    requests.ConnectionError(f"HTTPConnectionPool: Bearer {TOKEN}"),
    requests.exceptions.InvalidHeader(TOKEN),
    OSError(TOKEN),
]


@pytest.mark.parametrize("failure", FAILURES)
def test_no_answer_is_told_by_its_kind_and_not_by_its_text(client, service, deadline, failure):
    def fail(request: requests.PreparedRequest) -> tuple[int, Any]:
        raise failure

    service.answer = fail
    with pytest.raises(ServiceUnreachable, match="no answer from http://service:8775") as raised:
        client.attachments(deadline)
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            401,
            {"unauthorized": {"code": 401, "message": "unknown token"}},
            "answered GET /v1/attachments with 401: unknown token",
        ),
        (403, {"message": "no"}, "with 403: no"),
        (500, b"<html>Traceback", "with 500 Reason"),
        (503, [], "with 503 Reason"),
        (302, {}, "with 302 Reason"),
        (400, {"badRequest": {"message": "first\nTraceback (most recent call last)"}}, "with 400: first"),
        (400, {"badRequest": {"message": f"you sent Bearer {TOKEN}"}}, "with 400: you sent Bearer *****"),
        (400, {"badRequest": {"message": "\x1b[2Jx"}}, "with 400:  [2Jx"),
    ],
)
def test_a_no_is_told_in_one_line_without_the_token(client, service, deadline, status, body, words):
    answering(service, status, body)
    with pytest.raises(ServiceDenied) as raised:
        client.attachments(deadline)
    assert words in str(raised.value)
    assert raised.value.status == status
    assert TOKEN not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(service.asked) == 1, "no redirect is followed"


def test_a_long_message_is_cut(client, service, deadline):
    answering(service, 500, {"computeFault": {"message": "x" * 5000}})
    with pytest.raises(ServiceDenied) as raised:
        client.attachments(deadline)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("body", [b"", b"not json", {}, [], {"attachments": None}, "x", b"\xff"])
def test_an_answer_that_is_none(client, service, deadline, body):
    answering(service, 200, body)
    with pytest.raises(ServiceError):
        client.attachments(deadline)


@pytest.mark.parametrize(
    "info",
    [
        {},
        None,
        [],
        "x",
        {"driver_volume_type": "rbd"},
        {**CONNECTION, "target_lun": "x"},
        {**CONNECTION, "auth_password": "\ud800"},
        {**CONNECTION, "auth_password": PASSWORD + "\n"},
        {**CONNECTION, "target_portal": "../../etc"},
        {**CONNECTION, "auth_username": None},
    ],
)
def test_a_connection_that_is_none_is_an_error_of_this_volume_without_its_secret(client, service, deadline, info):
    answering(service, 200, {"attachment": {"connection_info": info}})
    with pytest.raises(BlockstoreError) as raised:
        client.connect("a1", CONNECTOR, deadline)
    assert isinstance(raised.value, (DocumentInvalid, ServiceError))
    assert PASSWORD not in str(raised.value)


SESSION = "Plant3dSess10n"


class Imds:
    """A service that wants session tokens; ``good`` are those that it takes now."""

    def __init__(self, *, status: int = 200, body: bytes = SESSION.encode(), good: tuple[str, ...] = (SESSION,)) -> None:
        self.status, self.body, self.good = status, body, good

    def __call__(self, request: requests.PreparedRequest) -> tuple[int, Any]:
        if str(request.url).endswith("/latest/api/token"):
            assert request.method == "PUT"
            assert request.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
            assert (
                "X-aws-ec2-metadata-token" not in request.headers or request.headers["X-aws-ec2-metadata-token"] not in self.good
            )
            return self.status, self.body
        given = request.headers.get("X-aws-ec2-metadata-token")
        if given in self.good:
            return 200, {"attachments": []}
        return 401, {"unauthorized": {"message": f"not {given}"}}


@pytest.fixture
def nameless(service: Service) -> MetadataClient:
    """A client without a token."""
    made = MetadataClient("http://service:8775", None)
    made._session().mount("http://", service)
    return made


def paths(service: Service) -> list[str]:
    return [url.removeprefix("http://service:8775") for _, url, _ in service.asked]


def test_without_a_token_a_session_token_is_fetched_once_and_kept(nameless, service, deadline):
    service.answer = Imds()
    assert nameless.attachments(deadline) == ((), ())
    assert nameless.attachments(deadline) == ((), ())
    assert paths(service) == ["/v1/attachments", "/latest/api/token", "/v1/attachments", "/v1/attachments"]


def test_one_that_has_expired_is_renewed(nameless, service, deadline):
    imds = service.answer = Imds()
    nameless.attachments(deadline)
    imds.good, imds.body = ("another",), b"another\n"
    assert nameless.attachments(deadline) == ((), ())
    assert paths(service)[3:] == ["/v1/attachments", "/latest/api/token", "/v1/attachments"]


def test_a_service_that_is_open_is_asked_for_none(nameless, service, deadline):
    nameless.complete("a1", deadline)
    assert paths(service) == ["/v1/attachments/a1/action"]


@pytest.mark.parametrize(
    "imds",
    [
        Imds(status=403),
        Imds(status=404),
        Imds(status=500),
        Imds(body=b""),
        Imds(body=b"a b"),
        Imds(body=b"\xff"),
        Imds(body=b"x" * 9000),
    ],
)
def test_where_there_is_none_the_refusal_stands(nameless, service, deadline, imds):
    service.answer = imds
    with pytest.raises(ServiceDenied) as raised:
        nameless.attachments(deadline)
    assert raised.value.status == 401
    assert paths(service) == ["/v1/attachments", "/latest/api/token"]


def test_one_that_is_not_taken_is_not_fetched_again_and_not_told(nameless, service, deadline):
    service.answer = Imds(good=())
    with pytest.raises(ServiceDenied) as raised:
        nameless.attachments(deadline)
    assert len(service.asked) == 3
    assert SESSION not in str(raised.value)
    assert SESSION not in repr(vars(nameless))


def test_with_a_token_of_its_own_it_asks_for_no_other(client, service, deadline):
    service.answer = Imds()
    with pytest.raises(ServiceDenied):
        client.attachments(deadline)
    assert len(service.asked) == 1


class Talk:
    """What the bare exchange is to say, in turn; ``asked`` is what it was asked."""

    def __init__(self, *says: bytes | Exception) -> None:
        self.says, self.asked = list(says), []  # type: ignore[var-annotated]

    def ask(self, method: str, path: str, body: str, expected: str, seconds: float) -> bytes:
        self.asked.append((method, path, expected))
        said = self.says.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def at_an_address(service: Service) -> MetadataClient:
    made = MetadataClient("http://10.0.0.9:8775", Secret(TOKEN))
    made._session().mount("http://", service)
    return made


def test_the_usual_answers_come_over_a_bare_socket(at_an_address: MetadataClient, service, deadline):
    talk = at_an_address._talk = Talk(b"", b"", b'{"attachments": []}', b"")  # type: ignore[assignment]
    at_an_address.complete("a1", deadline)
    at_an_address.report(Report("i", "", "", 0), deadline)
    assert at_an_address.attachments(deadline) == ((), ())
    at_an_address.detach("a1", deadline)
    assert [expected for *_, expected in talk.asked] == ["204", "204", "200", "200"]
    assert service.asked == []


@pytest.mark.parametrize("trouble", [ValueError("another status"), ConnectionRefusedError()])
def test_what_is_unusual_is_asked_again_in_all_forms(at_an_address: MetadataClient, service, deadline, trouble):
    at_an_address._talk = Talk(trouble)  # type: ignore[assignment]
    answering(service, 409, {"conflict": {"message": "not attaching"}})
    with pytest.raises(ServiceDenied, match="409: not attaching"):
        at_an_address.complete("a1", deadline)
    answering(service, 204)
    at_an_address.complete("a1", deadline)
    assert len(service.asked) == 2


def test_a_silent_service_is_not_waited_for_twice(at_an_address: MetadataClient, service, deadline):
    at_an_address._talk = Talk(TimeoutError())  # type: ignore[assignment]
    with pytest.raises(ServiceUnreachable):
        at_an_address.complete("a1", deadline)
    assert service.asked == []


@pytest.mark.parametrize("endpoint", ["http://service:8775", "https://10.0.0.9:8775"])
def test_names_and_certificates_are_for_the_full_client(endpoint):
    assert MetadataClient(endpoint, Secret(TOKEN))._talk is None
