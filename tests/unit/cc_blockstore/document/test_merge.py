"""Merging by key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cc_blockstore.document.merge import merged

MAPPINGS = st.dictionaries(st.sampled_from("abc"), st.integers() | st.dictionaries(st.sampled_from("xy"), st.integers()))


def test_mappings_merge_by_key_and_everything_else_is_replaced():
    low = {"a": {"x": 1, "y": 2}, "list": [1, 2], "only": 1, "word": "low"}
    high = {"a": {"y": 3, "z": 4}, "list": [3], "word": {"now": "a mapping"}}
    assert merged([low, high]) == {"a": {"x": 1, "y": 3, "z": 4}, "list": [3], "only": 1, "word": {"now": "a mapping"}}


def test_nothing_and_one():
    assert merged([]) == {}
    assert merged([{"a": {"b": 1}}]) == {"a": {"b": 1}}


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_the_parts_are_left_as_they_are(one, two, three):
    import copy

    before = copy.deepcopy((one, two, three))
    merged([one, two, three])
    assert (one, two, three) == before


@given(MAPPINGS)
def test_twice_the_same_is_the_same(one):
    assert merged([one, one]) == one
