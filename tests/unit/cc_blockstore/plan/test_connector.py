"""Which address faces a portal."""

from __future__ import annotations

import pytest

from cc_blockstore.plan.connector import Interface, facing

LO, LO6 = Interface("lo", "127.0.0.1", 8), Interface("lo", "::1", 128)
ETH0 = Interface("eth0", "192.0.2.10", 24, default=True)
ETH0_LINK, ETH0_6 = (
    Interface("eth0", "fe80::5054:ff:fe00:1", 64, default=True),
    Interface("eth0", "2001:db8::10", 64, default=True),
)
ETH1, ETH1_6 = Interface("eth1", "10.0.2.15", 24), Interface("eth1", "fd00::15", 64)
ALL = (LO, LO6, ETH0_LINK, ETH0, ETH0_6, ETH1, ETH1_6)


@pytest.mark.parametrize(("host", "address"), [
    ("10.0.2.2", "10.0.2.15"),  # in the same network
    ("fd00::2", "fd00::15"),
    ("127.0.0.1", "127.0.0.1"),
    ("203.0.113.1", "192.0.2.10"),  # elsewhere: by the default route
    ("2001:db8:1::1", "2001:db8::10"),  # never a link-local address
    ("san.example", "192.0.2.10"),
    ("", "192.0.2.10"),
])  # fmt: skip
def test_facing(host, address):
    assert facing(host, ALL) == address


def test_without_a_default_route_any_that_is_no_loopback():
    assert facing("203.0.113.1", (LO, ETH1)) == "10.0.2.15"
    assert facing("203.0.113.1", (LO, LO6)) == ""
    assert facing("203.0.113.1", (LO6, ETH1_6)) == ""
