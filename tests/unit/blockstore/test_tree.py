"""Trees: how much and how deep, with what is used more than once counted as often."""

from __future__ import annotations

import time

import pytest

from blockstore import tree


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("value", [None, 1, "x", [], {}, [None, [False]], {"a": {"b": [1, {"c": None}]}}, nested(tree.DEEPEST)])
def test_small_ones_are_fine(value):
    assert tree.fault(value) is None


def test_bounds():
    assert tree.fault([0] * (tree.MOST_VALUES - 1)) is None
    assert tree.fault([0] * tree.MOST_VALUES) == "holds more than 524288 values"
    assert tree.fault(nested(tree.DEEPEST + 1)) == "is nested deeper than 100 levels"


def bomb() -> object:
    value: object = "x"
    for _ in range(60):
        value = [value] * 10
    return value


def in_itself() -> object:
    value: dict[str, object] = {}
    value["a"] = [value, (1, value)]
    return value


@pytest.mark.parametrize("make", [bomb, in_itself])
def test_what_has_no_end_is_found_soon(make):
    begun = time.thread_time()  # of the processor: another load on the machine is no fault of ours
    assert tree.fault(make()) is not None
    assert time.thread_time() - begun < 5
