"""From the wall clock to the monotonic one, with a clock that is set in the middle."""

from __future__ import annotations

import pytest

from cc_blockstore.analysis import clock
from tests.unit.boots import EPOCH, moment

HOUR = 3600.0


def test_a_steady_clock_is_an_offset():
    stamps = [EPOCH + 11, EPOCH + 12.5]
    assert clock.placed(stamps, moment(10), moment(14)) == pytest.approx((11, 12.5))
    assert clock.jumps([moment(10), moment(14), moment(3)]) == ()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 2.0, -2.0])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_a_clock_that_was_set_moves_nothing(jump: float, before: int):
    """However many stamps were written before it was set, and in whatever direction."""
    true = (11.0, 11.4, 12.9)
    stamps = [EPOCH + at + (jump if index >= before else 0) for index, at in enumerate(true)]
    assert clock.placed(stamps, moment(10.8), moment(13, jump)) == pytest.approx(true)


def test_a_jump_is_told_with_the_moments_around_it():
    [found] = clock.jumps([moment(10), moment(20, HOUR), moment(30, HOUR)])
    assert (found.after, found.before, found.seconds) == (10, 20, pytest.approx(HOUR))


def test_a_slewed_clock_is_no_jump():
    assert clock.jumps([moment(10), moment(20, 0.1)]) == ()
    assert clock.placed([EPOCH + 20.1], moment(10), moment(20, 0.1)) == pytest.approx((20,))


def test_no_stamp_is_no_moment():
    assert clock.placed([], moment(1), moment(2, HOUR)) == ()
