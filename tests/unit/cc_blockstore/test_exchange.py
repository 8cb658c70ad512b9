"""The bare exchange: what it asks, and that everything unusual ends it. The real one is seen by the guests' tests."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from cc_blockstore import exchange


class Connection:
    """Answers what it was told to."""

    sock = None

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.body, self.status, self.asked, self.closed = body, status, [], False  # type: ignore[var-annotated]

    def connect(self) -> None:
        """There."""

    def request(self, *words: Any, headers: dict[str, str]) -> None:
        self.asked.append((*words, headers))

    def getresponse(self) -> Connection:
        return self

    def read(self, most: int) -> bytes:
        return self.body[:most]

    def close(self) -> None:
        self.closed = True


def ask(monkeypatch: pytest.MonkeyPatch, body: Any, status: int = 200, token: str = "t") -> tuple[Connection, Any]:
    connection = Connection(body if isinstance(body, bytes) else json.dumps(body).encode(), status)
    monkeypatch.setattr(exchange, "_connection", lambda place, ca_cert: connection)
    try:
        return connection, exchange.attachments("http://service:80/prefix", token, "")
    finally:
        assert connection.closed


def test_the_list_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    connection, found = ask(monkeypatch, {"attachments": [{"id": "a1"}]})
    assert found == [{"id": "a1"}]
    headers = {"Accept-Encoding": "identity", "Authorization": "Bearer t"}
    assert connection.asked == [("GET", "/prefix/v1/attachments", headers)]


def test_without_a_token_none_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Authorization" not in ask(monkeypatch, {"attachments": []}, token="")[0].asked[0][-1]


@pytest.mark.parametrize("body", [b"", b"x", b"[", b"3", b"null", b"[]", b"{}", b'{"attachments": 3}', b"[" * 100_000])
def test_what_is_no_list_of_attachments_ends_it(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with pytest.raises(ValueError):
        ask(monkeypatch, body)


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
def test_so_does_every_other_status(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with pytest.raises(ValueError, match="no list"):
        ask(monkeypatch, {"attachments": []}, status)


def test_tls_where_the_endpoint_says_so() -> None:
    place = exchange.urllib.parse.urlsplit("https://service:443")
    assert isinstance(exchange._connection(place, ""), http.client.HTTPSConnection)
    with pytest.raises(OSError):
        exchange._connection(place, "/nonexistent/ca.pem")
