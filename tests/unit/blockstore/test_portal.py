"""Portals: addresses of both families and names, with and without port, and back to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.portal import Portal


@pytest.mark.parametrize(("text", "host", "port"), [
    ("10.0.0.1:3260", "10.0.0.1", 3260),
    ("10.0.0.1", "10.0.0.1", 3260),
    ("10.0.0.1:3261,1", "10.0.0.1", 3261),
    ("10.0.0.1,1", "10.0.0.1", 3260),
    (" 10.0.0.1:3260 ", "10.0.0.1", 3260),
    ("[fd00::1]:3261", "fd00::1", 3261),
    ("[fd00::1]:3261,1", "fd00::1", 3261),
    ("[fd00::1]", "fd00::1", 3260),
    ("fd00::1", "fd00::1", 3260),
    ("FD00:0:0::1", "fd00::1", 3260),
    ("::1", "::1", 3260),
    ("[fe80::1%eth0]:3260", "fe80::1%eth0", 3260),
    ("san.example", "san.example", 3260),
    ("san.example:860", "san.example", 860),
    ("san-1.example.", "san-1.example.", 3260),
])  # fmt: skip
def test_parse(text, host, port):
    assert Portal.parse(text) == Portal(host, port)


@pytest.mark.parametrize("text", [
    "", ":", ":3260", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x", "10.0.0.1:-1", "10.0.0", "10.0.0.256", "1.2.3.4.5", "12345",
    "[fd00::1", "[fd00::1]x", "[fd00::1]3260", "[]:3260", "fd00::1::2", "san example", "san_example", "../etc", "a/b", "a\nb",
    "[fe80::1%/../../etc]:3260", "%s", "-", "sän.example", "10.0.0.1:3260:1", "http://10.0.0.1",
])  # fmt: skip
def test_what_is_no_portal(text):
    with pytest.raises(ValueError, match=r"is not|neither") as raised:
        Portal.parse(text)
    assert "\n" not in str(raised.value)


HOSTS = st.one_of(
    st.ip_addresses().map(str),
    st.from_regex(r"[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?(\.[a-z][a-z0-9]{0,8}){0,3}", fullmatch=True),
)


@given(st.builds(Portal, HOSTS, st.integers(1, 65535)))
def test_round_trip(portal):
    assert Portal.parse(str(portal)) == portal
    assert Portal.parse(f"{portal},1") == portal


@given(st.text(max_size=30))
def test_any_text_is_a_portal_or_a_value_error(text):
    try:
        portal = Portal.parse(text)
    except ValueError:
        return
    assert Portal.parse(str(portal)) == portal
    assert not set(portal.host) & set("/\n,[] ")


def test_only_ipv6_has_brackets():
    assert str(Portal("fd00::1", 3261)) == "[fd00::1]:3261"
    assert str(Portal("10.0.0.1")) == "10.0.0.1:3260"
