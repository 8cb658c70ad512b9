"""Netmasks in all the forms that netifaces has."""

from __future__ import annotations

import pytest

from cc_blockstore.machine.connector import _prefix


@pytest.mark.parametrize(("netmask", "prefix"), [
    ("255.255.255.0", 24), ("255.255.255.255", 32), ("", 0), ("ffff:ffff:ffff:ffff::", 64), ("ffff:ffff:ffff:ffff::/64", 64),
    ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 128),
])  # fmt: skip
def test_prefix(netmask, prefix):
    assert _prefix(netmask) == prefix
