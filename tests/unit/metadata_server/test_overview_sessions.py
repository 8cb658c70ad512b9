"""The cookie of the page: signed, bound to the token, over after its time; and where one may be sent after the login."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from blockstore.secret import Secret
from metadata_server.api.browser import COOKIE, HOURS, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()
SESSIONS = Sessions(Secret("T0ken"), "/overview", CLOCK)


def request(scheme: str = "http", **headers: str) -> Request:
    raw = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    return Request(
        {"type": "http", "scheme": scheme, "server": ("h", 80), "path": "/overview", "query_string": b"", "headers": raw}
    )


def begun(scheme: str = "http") -> tuple[str, str]:
    response = Response()
    SESSIONS.begin(request(scheme), response)
    whole = response.headers["set-cookie"]
    return whole.partition("=")[2].partition(";")[0], whole


def test_what_was_begun_is_open_until_it_ends():
    value, _ = begun()
    assert SESSIONS.open(value)
    assert SESSIONS.known(request(cookie=f"{COOKIE}={value}"))
    CLOCK.now += HOURS * 3600
    assert not SESSIONS.open(value)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites():
    _, whole = begun()
    assert {"HttpOnly", "SameSite=strict", "Path=/overview", f"Max-Age={HOURS * 3600}"} <= {
        part.strip() for part in whole.split(";")
    }
    assert "Secure" not in whole
    assert "Secure" in begun("https")[1]
    assert "T0ken" not in whole


def test_another_token_ends_every_session():
    value, _ = begun()
    assert not Sessions(Secret("another"), "/overview", CLOCK).open(value)


@pytest.mark.parametrize(
    "change", [lambda v: "9" + v, lambda v: v[:-1], lambda v: v + "0", lambda v: v.upper(), lambda v: v.partition(".")[2]]
)
def test_what_was_changed_opens_nothing(change):
    assert not SESSIONS.open(change(begun()[0]))


@given(st.text())
def test_nobody_guesses(value):
    assert not SESSIONS.open(value)
    assert not SESSIONS.right(value)


def test_the_header_of_the_api_is_good_enough():
    assert SESSIONS.known(request(x_auth_token="T0ken"))
    assert not SESSIONS.known(request(x_auth_token="t0ken"))
    assert not SESSIONS.known(request())


@pytest.mark.parametrize(
    "address", ["/overview", "/overview?q=web&trouble=1", "/overview/instances/4d0c-11?refresh=10", "/overview/instances/a%2Fb"]
)
def test_one_comes_back_to_where_one_was(address):
    assert SESSIONS.inside(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "/", "//evil", "https://evil/overview", "/overview.evil", "/overview//evil", "/overviewx", "/overview/../status",
     "/overview/instances/../../v3", "/overview/login", "/overview?q=\r\nSet-Cookie: x",
     "/overview\\evil", "/overview/instances/a\n"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(address):
    assert SESSIONS.inside(address) == "/overview"
