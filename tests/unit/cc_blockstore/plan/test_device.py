"""docs/reuse-rules.md, "device"."""

from __future__ import annotations

import pytest

from blockstore.size import GIB
from cc_blockstore.plan.decision import Refuse
from cc_blockstore.plan.device import Device, Identity, decide, may_have_grown
from tests.unit.rules import action, row, same

OURS = Device("/dev/sda", "6f0a2d64", 1 << 30)
BARE = Device("/dev/sda", "", 1 << 30)

TABLE = [
    row("device-1", "wait", None, "6f0a2d64"),
    row("device-2", "refuse", OURS, "another"),
    row("device-3", "refuse", BARE, "6f0a2d64"),
    row("device-4", "keep", OURS, "6f0a2d64"),
    row("device-5", "refuse", OURS, "", {"6f0a2d64": "v2"}),
    row("device-6", "keep", OURS, "", {"another": "v2"}),
]


def test_the_page_holds_the_same_rows():
    same("device", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, *identity = given
    assert action(decide(seen, Identity(*identity))) == expected


@pytest.mark.parametrize("serial", ["6f0a2d6", "6f0a2d644", "6F0A2D64", " 6f0a2d64"])
def test_nothing_but_the_very_same_serial_will_do(serial):
    decision = decide(OURS, Identity(serial))
    assert isinstance(decision, Refuse)
    assert decision.why == f"refusing to use /dev/sda: wanted serial {serial!r}, found '6f0a2d64'"


def test_a_refusal_names_the_volume_whose_serial_it_is():
    decision = decide(OURS, Identity("", {"6f0a2d64": "v2"}))
    assert isinstance(decision, Refuse)
    assert decision.why == "refusing to use /dev/sda: its serial '6f0a2d64' is the one that was named for volume v2"


def test_without_a_named_serial_any_is_taken():
    assert action(decide(OURS, Identity(""))) == "keep"
    assert action(decide(BARE, Identity("", {"6f0a2d64": "v2"}))) == "keep"
    assert action(decide(None, Identity(""))) == "wait"


def test_a_disk_is_asked_again_where_its_size_may_have_changed():
    disk = Device("/dev/sda", "v1", GIB)
    assert not may_have_grown(disk, 1)
    assert may_have_grown(disk, 2)
    assert may_have_grown(disk, None)
