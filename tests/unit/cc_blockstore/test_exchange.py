"""The bare exchange: what it asks, and that everything unusual ends it. The other end is a socket in the test's hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cc_blockstore import exchange

HEAD = "HTTP/1.1 200 OK\r\ndate: now\r\nContent-Type: application/json\r\n"


class Service:
    """The other end: says what it was told to, hears what is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mine, self.theirs = socket.socketpair()
        monkeypatch.setattr(exchange, "_connected", lambda place, ca_cert, seconds: self.theirs)

    def says(self, body: Any, head: str = HEAD, length: object = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.mine.sendall(f"{head}Content-Length: {len(data) if length is None else length}\r\n\r\n".encode() + data)

    def hangs_up(self) -> None:
        self.mine.shutdown(socket.SHUT_WR)

    @property
    def heard(self) -> str:
        return self.mine.recv(1 << 16).decode()

    @property
    def let_go(self) -> bool:
        return self.theirs.fileno() < 0


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service(monkeypatch)
    yield made
    made.mine.close()
    assert made.let_go


def ask(token: str = "t") -> list[Any]:
    return exchange.attachments("http://service:80/prefix", token, "")


def test_the_list_comes_back(service: Service) -> None:
    service.says({"attachments": [{"id": "a1"}]})
    assert ask() == [{"id": "a1"}]
    assert service.heard == (
        "GET /prefix/v1/attachments HTTP/1.1\r\nHost: service:80\r\nAccept-Encoding: identity\r\nAuthorization: Bearer t\r\n\r\n"
    )


def test_however_long_and_in_whatever_pieces(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "PIECE", 7)
    service.says({"attachments": [{"id": "a" * 100}] * 50})
    assert len(ask()) == 50


def test_a_report_goes_over_the_same_line(service: Service) -> None:
    with exchange.Line("http://service", "", "") as line:
        service.says({"attachments": []})
        assert line.attachments() == []
        service.mine.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        line.report({"version": 1})
    asked, _, reported = service.heard.partition("\r\n\r\n")
    assert "Authorization" not in asked
    assert reported == (
        "PUT /v1/report HTTP/1.1\r\nHost: service\r\nAccept-Encoding: identity\r\n"
        'Content-Type: application/json\r\nContent-Length: 14\r\n\r\n{"version": 1}'
    )


@pytest.mark.parametrize("body", [b"", b"x", b"[", b"3", b"null", b"[]", b"{}", b'{"attachments": 3}', b"[" * 100_000])
def test_what_is_no_list_of_attachments_ends_it(service: Service, body: bytes) -> None:
    service.says(body)
    with pytest.raises(ValueError):
        ask()


@pytest.mark.parametrize(
    "status", ["HTTP/1.1 204 x", "HTTP/1.1 302 x", "HTTP/1.1 401 x", "HTTP/1.1 500 x", "HTTP/1.0 200 x", "x", ""]
)
def test_so_does_every_other_status(service: Service, status: str) -> None:
    service.says({"attachments": []}, f"{status}\r\n")
    with pytest.raises(ValueError, match="another status"):
        ask()


HEADERS = {
    "in pieces": "Transfer-Encoding: chunked\r\n",
    "compressed": "content-encoding: gzip\r\n",
    "two lengths": "Content-Length: 1\r\n",
    "a line that goes on": " more\r\n",
    "no colon": "more\r\n",
    "a blank before the colon": "Content-Length : 1\r\n",
}


@pytest.mark.parametrize("header", HEADERS)
def test_so_does_a_head_that_is_not_plain(service: Service, header: str) -> None:
    service.says({"attachments": []}, HEAD + HEADERS[header])
    with pytest.raises(ValueError, match=r"form|length|none"):
        ask()


@pytest.mark.parametrize("length", ["", "-1", "+1", "0x10", "1_0", "٣", "1" * 9, "3"])
def test_so_does_a_length_that_is_not_the_body_s(service: Service, length: str) -> None:
    service.says({"attachments": []}, length=length)
    service.hangs_up()
    with pytest.raises(ValueError):
        ask()


def test_so_does_an_answer_without_a_length(service: Service) -> None:
    service.mine.sendall(HEAD.encode() + b"\r\n" + b'{"attachments": []}')
    with pytest.raises(ValueError, match="unknown length"):
        ask()


def test_so_does_a_head_without_an_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LONGEST_HEAD", 1000)
    service.mine.sendall(HEAD.encode() + b"x: " + b"y" * 2000)
    with pytest.raises(ValueError, match="without an end"):
        ask()


def test_so_does_an_answer_that_is_cut_off(service: Service) -> None:
    service.says({"attachments": []}, length=100)
    service.hangs_up()
    with pytest.raises(ValueError, match="cut off"):
        ask()


def test_so_does_a_service_that_says_a_byte_now_and_then(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(100))
    monkeypatch.setattr(exchange, "PIECE", 1)
    monkeypatch.setattr(exchange.time, "monotonic", lambda: float(next(times)))
    service.says({"attachments": []})
    with pytest.raises(TimeoutError):
        ask()
    assert next(times) < 10


@pytest.mark.parametrize("token", ["a\r\nX-Instance-ID: i-2", "a\n", "a\0"])
def test_nothing_is_asked_with_a_token_that_would_be_a_header_of_its_own(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_connected", lambda *words: pytest.fail("connected"))
    with pytest.raises(ValueError):
        ask(token)


def test_a_name_of_no_host_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(ValueError):
        exchange.attachments("http://sérvice", "t", "")


def test_tls_where_the_endpoint_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = socket.socketpair()
    asked = []
    monkeypatch.setattr(socket, "create_connection", lambda address, seconds: asked.append(address) or theirs)
    mine.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    mine.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError):  # it was no TLS that it said
        exchange.attachments("https://[fe80::1]", "t", "")
    assert asked == [(b"fe80::1", 443)]
    assert theirs.fileno() < 0
    assert b"Bearer" not in mine.recv(1 << 16)
    mine.close()
    with pytest.raises(OSError):
        exchange.attachments("https://service:8775", "t", "/nonexistent/ca.pem")


class Lines:
    """The other ends of one line after the other, each prepared before it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[socket.socket] = []
        self.answers: list[list[bytes]] = []
        monkeypatch.setattr(exchange, "_connected", self._connected)

    def _connected(self, place: Any, ca_cert: str, seconds: float) -> socket.socket:
        mine, theirs = socket.socketpair()
        for answer in self.answers.pop(0):
            mine.sendall(answer)
        mine.shutdown(socket.SHUT_WR)
        self.opened.append(mine)
        return theirs

    def heard(self) -> list[str]:
        return [mine.recv(1 << 16).decode().split(" HTTP")[0] for mine in self.opened]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    made = Lines(monkeypatch)
    yield made
    for each in made.opened:
        each.close()


def answered(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_a_line_that_the_service_has_closed_is_opened_anew(lines: Lines) -> None:
    lines.answers = [[answered(b"one")], [answered(b"two")]]
    talk = exchange.Talk("http://service", "t", "")
    assert [talk.ask("GET", path, "", "200", 1) for path in ("/1", "/2")] == [b"one", b"two"]
    assert lines.heard() == ["GET /1", "GET /2"]


@pytest.mark.parametrize("answers", [[[]], [[answered(b"", "409 Conflict")]]], ids=["closed at once", "another status"])
def test_a_new_line_that_does_not_answer_as_expected_is_the_end(lines: Lines, answers: list[list[bytes]]) -> None:
    lines.answers = answers
    with pytest.raises(ValueError):
        exchange.Talk("http://service", "t", "").ask("GET", "/1", "", "200", 1)


def test_a_service_that_says_nothing_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = socket.socketpair()
    monkeypatch.setattr(exchange, "_connected", lambda place, ca_cert, seconds: theirs)
    talk = exchange.Talk("http://service", "t", "")
    mine.sendall(answered(b"one"))
    assert talk.ask("GET", "/1", "", "200", 1) == b"one"
    with pytest.raises(TimeoutError):
        talk.ask("GET", "/2", "", "200", 0.05)
    mine.close()
