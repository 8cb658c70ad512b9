"""Steps are timed by the clock in the hand, and recorded even where they fail."""

from __future__ import annotations

import pytest

from blockstore.errors import DeadlineExceeded
from blockstore.report import StepReport
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.progress import Steps
from tests.unit.fakes import FakeClock


def test_steps(clock: FakeClock):
    steps = Steps("data", clock.now, clock)
    clock.sleep(0.5)
    with steps.step("login") as mark:
        clock.sleep(1)
        mark.changed = True
    with pytest.raises(DeadlineExceeded), steps.step("device"):
        wait_for("it", lambda: None, Deadline.after(0.25, clock))
    assert steps.done == [StepReport("login", True, 500, 1000), StepReport("device", False, 1500, 250)]
    assert steps.changed
