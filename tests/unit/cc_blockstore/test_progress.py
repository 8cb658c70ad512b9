"""Steps are timed by the clock in the hand, and recorded even where they fail."""

from __future__ import annotations

import pytest

from blockstore.report import StepReport
from cc_blockstore.progress import Steps
from tests.unit.fakes import FakeClock


def test_steps(clock: FakeClock):
    steps = Steps("data", clock.now, clock)
    clock.sleep(0.5)
    with steps.step("login") as mark:
        clock.sleep(1)
        mark.changed = True
    with pytest.raises(ValueError, match="x"), steps.step("device"):
        clock.sleep(0.25)
        raise ValueError("x")
    assert steps.done == [StepReport("login", True, 500, 1000), StepReport("device", False, 1500, 250)]
    assert steps.changed
