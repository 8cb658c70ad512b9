"""What was recorded, and asked for."""

from __future__ import annotations

from tests.unit.boots import boot, moment


def test_the_offset_of_two_clocks_does_not_depend_on_the_moment():
    assert moment(5, clock=30).offset - moment(50).offset == 30


def test_a_unit_has_one_of_several_names():
    found = boot(None).unit("cloud-init.service", "cloud-init-network.service")
    assert found is not None
    assert found.begun.monotonic == 16
    assert boot(None).unit("none.service") is None
