"""Endpoints and tokens: what a URL and a header can hold, and no word of a secret in what is told."""

from __future__ import annotations

import pytest

from blockstore import endpoint

PLANTED = "Plant3dS3cret"


@pytest.mark.parametrize(
    "text",
    [
        "http://169.254.169.254:8775",
        "https://blockstore.example/cloud/",
        "http://[fd00::1]:8775",
        "http://a",
    ],
)
def test_an_endpoint(text):
    assert endpoint.fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "ftp://a",
        "http:/a",
        "http://",
        "http://:80",
        "http://a:0",
        "http://a:99999",
        "http://a:x",
        "http://[::1",
        "http://a b",
        "http://a\nb",
        "http://ä",
        "file:///etc/passwd",
        "http://a\x7f",
        "HTTP://a",
        "x" * 5000,
    ],
)
def test_no_endpoint(text):
    told = endpoint.fault(text)
    assert told is not None
    assert told.isprintable()
    assert len(told) < 250


@pytest.mark.parametrize(
    "text",
    [
        f"http://user:{PLANTED}@host",
        f"http://{PLANTED}@host",
        f"http://host/?token={PLANTED}",
        f"http://host/#{PLANTED}",
    ],
)
def test_what_may_hold_a_secret_is_refused_without_it(text):
    told = endpoint.fault(text)
    assert told is not None
    assert PLANTED not in told


@pytest.mark.parametrize("text", ["", "abc", "a" * 4096, "a-._~+/=!"])
def test_a_token(text):
    assert endpoint.token_fault(text) is None


@pytest.mark.parametrize("text", [f"{PLANTED}\n", f"{PLANTED} x", f"{PLANTED}ä", f"{PLANTED}\0", PLANTED * 400])
def test_no_token(text):
    told = endpoint.token_fault(text)
    assert told is not None
    assert PLANTED not in told
