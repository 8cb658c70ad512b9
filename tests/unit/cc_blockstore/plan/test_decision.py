"""Decisions are values: compared by what they say, and never changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from cc_blockstore.plan.decision import Do, Keep, Refuse, Wait


def test_each_is_a_value_of_its_own_kind():
    assert Keep("x") == Keep("x")
    assert len({Keep("x"), Do("x"), Wait("x"), Refuse("x"), Refuse("x", "hint")}) == 5


def test_none_can_be_changed():
    with pytest.raises(FrozenInstanceError):
        Refuse("x").why = "y"  # type: ignore[misc]
