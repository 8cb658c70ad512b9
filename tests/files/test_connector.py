"""The address that faces a service, by the kernel's own choice."""

from __future__ import annotations

from cc_blockstore.machine import connector


def test_the_kernel_chooses_the_address():
    assert connector.facing("127.0.0.1") == connector.facing("127.1.2.3") == "127.0.0.1"
