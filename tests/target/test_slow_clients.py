"""Slow and greedy clients: they are ended in their time, and hold up nobody meanwhile."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from testbed.server import LocalServer

HEAD, BODY, ANSWER, CONNECTIONS, WAITS = 2, 3, 4, 300, 3
SLOW = 200
# The sweep looks once a second, and this machine may be busy.
GRACE = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("slow")
    (folder / "server.toml").write_text(
        f"[limits]\nhead_seconds = {HEAD}\nbody_seconds = {BODY}\nanswer_seconds = {ANSWER}\nkeep_alive_seconds = 2\n"
        f"connections = {CONNECTIONS}\nwaits_per_instance = {WAITS}\n"
    )
    with LocalServer(folder / "state", options=("--config", str(folder / "server.toml"))) as running:
        yield running


@pytest.fixture(scope="module")
def guest(server: LocalServer) -> dict[str, str]:
    return server.create_instance("web")


def opened(server: LocalServer, *, receive: int = 0) -> socket.socket:
    host, _, port = server.addresses.instance.partition(":")
    connection = socket.socket()
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    connection.settimeout(30)
    connection.connect((host, int(port)))
    return connection


def head(method: str, path: str, token: str, *more: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", *more, "", ""]).encode()


def ended(connection: socket.socket, drip: bytes = b"") -> tuple[float, bytes]:
    """After how many seconds the server ended it, although a byte is sent ten times a second; and what it said."""
    began, said = time.monotonic(), b""
    connection.settimeout(0.1)
    with contextlib.suppress(ConnectionError):
        while time.monotonic() - began < 30:
            try:
                data = connection.recv(4096)
            except TimeoutError:
                if drip:
                    connection.send(drip)
                continue
            said += data
            if not data:
                break
    return time.monotonic() - began, said


def quick(server: LocalServer, token: str) -> float:
    began = time.monotonic()
    answer = requests.get(f"{server.instance_url}/v1/meta-data", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert answer.status_code == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("first", "drip", "seconds"),
    [
        (b"", b"", HEAD),
        (b"GET /v1/meta-data HTTP/1.1\r\nX: ", b"y", HEAD),
        (b"\r\n", b"\r\n", HEAD),
        (None, b" ", BODY),
        (None, b"", BODY),
    ],
    ids=["says nothing", "head byte by byte", "empty lines", "body byte by byte", "no body"],
)
def test_who_is_slow_is_ended_in_time(
    server: LocalServer, guest: dict[str, str], first: bytes, drip: bytes, seconds: int
) -> None:
    if first is None:
        first = head("PUT", "/v1/report", guest["token"], "Content-Length: 5000", "Content-Type: application/json")
    with opened(server) as connection:
        connection.sendall(first)
        took, said = ended(connection, drip)
        assert took < seconds + GRACE
        # An empty line alone may be refused at once.
        assert took > seconds - 1.2 or said.startswith(b"HTTP/1.1 400 ")
        assert b" 200 " not in said


def test_a_second_request_of_a_connection_has_the_same_deadline(server: LocalServer, guest: dict[str, str]) -> None:
    with opened(server) as connection:
        connection.sendall(head("GET", "/v1/meta-data", guest["token"]) + b"GET /v1/")
        took, said = ended(connection, b"x")
        assert said.startswith(b"HTTP/1.1 200")
        assert HEAD - 1.2 < took < HEAD + GRACE


def test_an_idle_connection_is_closed(server: LocalServer, guest: dict[str, str]) -> None:
    with opened(server) as connection:
        connection.sendall(head("GET", "/v1/meta-data", guest["token"]))
        took, said = ended(connection)
        assert said.startswith(b"HTTP/1.1 200")
        assert 1 < took < 2 + GRACE


def test_who_never_reads_the_answer_is_ended_too(server: LocalServer) -> None:
    big = server.create_instance("big", user_data="#" + "x" * 250_000)
    with opened(server, receive=2048) as connection:
        one = head("GET", "/v1/user-data", big["token"])
        with contextlib.suppress(OSError):
            connection.setblocking(False)
            connection.send(one * 100)
        began = time.monotonic()
        count = 'blockstore_http_slow_connections_total{listener="instance"}'
        before = figure(server, count)
        while figure(server, count) == before and time.monotonic() - began < 30:
            time.sleep(0.2)
        assert time.monotonic() - began < ANSWER + GRACE


def figure(server: LocalServer, name: str) -> float:
    lines = requests.get(f"{server.operator_url}/metrics", timeout=20).text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_two_hundred_slow_ones_hold_up_nobody(server: LocalServer, guest: dict[str, str]) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(opened(server)) for _ in range(SLOW)]
        body = head("PUT", "/v1/report", guest["token"], "Content-Length: 5000")
        for index, connection in enumerate(slow):
            connection.sendall(b"GET /v1/meta-data HTTP/1.1\r\nX: y" if index % 2 else body)
        times = [quick(server, guest["token"]) for _ in range(10)]
        assert sorted(times)[5] < 1, times
        assert figure(server, 'blockstore_http_connections{listener="instance"}') >= 100
        gone = time.monotonic() + BODY + GRACE
        while figure(server, 'blockstore_http_connections{listener="instance"}') > 5 and time.monotonic() < gone:
            time.sleep(0.2)
        assert figure(server, 'blockstore_http_connections{listener="instance"}') <= 5


def test_one_connection_too_many_is_told_so_and_the_others_go_on(server: LocalServer, guest: dict[str, str]) -> None:
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(opened(server))
        for _ in range(CONNECTIONS):
            stack.enter_context(opened(server))
        with opened(server) as last:
            assert last.recv(4096).startswith(b"HTTP/1.1 503 ")
        first.sendall(head("GET", "/v1/meta-data", guest["token"]))
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (head("GET", "/v1/" + "x" * 5000, "t"), (414,)),
        (head("GET", "/v1/meta-data?" + "x" * 5000, "t"), (414,)),
        (head("GET", "/v1/meta-data", "t", *(f"X-{n}: y" for n in range(100))), (431,)),
        (head("GET", "/v1/meta-data", "t", "X: " + "y" * 15_900, "Y: " + "y" * 15_900), (400, 431)),
        (head("PUT", "/v1/report", "t", "Content-Length: 99999999999"), (413,)),
        (head("PUT", "/v1/report", "t", "Content-Length: -1"), (400,)),
        (head("PUT", "/v1/report", "t", "Content-Length: 5", "Content-Length: 6"), (400,)),
        (head("PUT", "/v1/report", "t", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", (400,)),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000, (400, 431)),
        (b"\x16\x03\x01\x02\x00\x01\x00", (400,)),
    ],
)  # fmt: skip
def test_a_head_that_is_too_large_or_wrong_is_refused(server: LocalServer, raw: bytes, statuses: tuple[int, ...]) -> None:
    with opened(server) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
        with contextlib.suppress(ConnectionError):
            said = connection.recv(4096)
            assert int(said.split()[1]) in statuses


def test_a_body_that_grows_without_end_is_refused(server: LocalServer, guest: dict[str, str]) -> None:
    with opened(server) as connection:
        connection.sendall(head("PUT", "/v1/report", guest["token"], "Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                connection.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        with contextlib.suppress(ConnectionError):
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("body", [b"[" * 400_000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}"])
def test_json_that_is_nested_without_end_is_refused(server: LocalServer, guest: dict[str, str], body: bytes) -> None:
    for url, headers in (
        (f"{server.instance_url}/v1/report", {"Authorization": f"Bearer {guest['token']}"}),
        (f"{server.operator_url}/instances/{guest['id']}", {"X-Auth-Token": server.token}),
    ):
        answer = requests.put(url, data=body, headers={**headers, "Content-Type": "application/json"}, timeout=20)
        assert answer.status_code == 400
        assert "nested" in answer.text


def test_one_instance_holds_so_many_answers_and_no_more(server: LocalServer) -> None:
    guest = server.create_instance("patient")
    first = requests.get(
        f"{server.instance_url}/v1/attachments", headers={"Authorization": f"Bearer {guest['token']}"}, timeout=20
    )
    wait = head("GET", "/v1/attachments?wait=60", guest["token"], f"If-None-Match: {first.headers['ETag']}")
    with contextlib.ExitStack() as stack:
        for _ in range(WAITS):
            stack.enter_context(opened(server)).sendall(wait)
        time.sleep(1)
        with opened(server) as one_more:
            one_more.sendall(wait)
            assert one_more.recv(4096).startswith(b"HTTP/1.1 429 ")
    # Those who went away hold nothing any more.
    time.sleep(1)
    with opened(server) as again:
        again.sendall(wait)
        again.settimeout(1)
        with pytest.raises(TimeoutError):
            again.recv(4096)


def test_a_held_answer_is_nobodys_fault_and_is_not_ended(server: LocalServer, guest: dict[str, str]) -> None:
    url, headers = f"{server.instance_url}/v1/attachments", {"Authorization": f"Bearer {guest['token']}"}
    headers["If-None-Match"] = requests.get(url, headers=headers, timeout=20).headers["ETag"]
    seconds = max(HEAD, BODY) + 2
    began = time.monotonic()
    assert requests.get(url, params={"wait": seconds}, headers=headers, timeout=30).status_code == 304
    assert time.monotonic() - began > seconds - 0.2


def test_the_installed_file_holds_the_limits_default(tmp_path: Path) -> None:
    from blockstore.render import render
    from metadata_server.configuration import load
    from metadata_server.listening.settings import Limits

    (tmp_path / "f").write_text(render("server/server.toml.j2", state="/s"))
    assert load(tmp_path / "f", {}).http.limits == Limits()
