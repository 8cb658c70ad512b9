"""Marks that a whole device has no room for: durable, bound to the serial, gone without a trace; an overwriting counts once."""

from __future__ import annotations

from cc_blockstore.machine import making
from tests.unit.fakes import FakeMachine


def test_a_mark_counts_for_that_very_device(fake: FakeMachine):
    assert not making.under_way(fake.machine, "v1", "S1")
    making.begin(fake.machine, "v1", "S1")
    assert making.under_way(fake.machine, "v1", "S1")
    assert not making.under_way(fake.machine, "v1", "S2")
    assert not making.under_way(fake.machine, "v1", "")
    assert not making.under_way(fake.machine, "v2", "S1")
    making.end(fake.machine, "v1")
    assert not making.under_way(fake.machine, "v1", "S1")
    making.end(fake.machine, "v1")


def test_an_overwriting_is_remembered(fake: FakeMachine):
    assert not making.overwritten(fake.machine, "v1")
    making.record_overwriting(fake.machine, "v1")
    assert making.overwritten(fake.machine, "v1")
    assert not making.overwritten(fake.machine, "v2")


def test_a_growth_is_remembered_until_it_is_complete(fake: FakeMachine):
    making.begin_growth(fake.machine, "v1")
    assert making.growing(fake.machine, "v1")
    assert not making.growing(fake.machine, "v2")
    making.end_growth(fake.machine, "v1")
    assert not making.growing(fake.machine, "v1")
