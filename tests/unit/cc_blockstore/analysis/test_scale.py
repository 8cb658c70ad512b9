"""Round numbers for an axis."""

from __future__ import annotations

import pytest

from cc_blockstore.analysis.scale import Axis, label


@pytest.mark.parametrize(("begin", "end", "most", "ticks"), [
    (0, 30, 3, [0, 10, 20, 30]), (22.9, 26.5, 4, [23, 24, 25, 26]), (-3, 2, 5, [-3, -2, -1, 0, 1, 2]),
    (0, 0.3, 3, [0, 0.1, 0.2, 0.3]), (5, 5, 3, [5]),
])  # fmt: skip
def test_ticks_are_round(begin, end, most, ticks):
    assert Axis(begin, end, 10).ticks(most) == pytest.approx(ticks)


def test_a_moment_is_never_outside():
    axis = Axis(10, 20, 100)
    assert [axis.at(each) for each in (0, 10, 15, 20, 30)] == [0, 0, 50, 100, 100]
    assert Axis(5, 5, 100).at(5) == 0


def test_labels_have_the_decimals_that_their_neighbours_need():
    assert [label(each, [0, 10]) for each in (0, 10)] == ["0 s", "10 s"]
    assert label(0.2, [0.1, 0.2]) == "0.2 s"
    assert label(5, [5]) == "5 s"
