"""The logout at shutdown is armed once, where systemd runs, and waits for no unit."""

from __future__ import annotations

import pytest

from cc_blockstore.machine.service import arm_logout
from tests.unit.fakes import FakeMachine

START = ("systemctl", "start", "--no-block", "open-iscsi.service")


@pytest.mark.parametrize("code", [0, 5])
def test_once_and_no_unit_is_no_error(fake: FakeMachine, code):
    arm_logout(fake.machine)
    (fake.root / "run/systemd/system").mkdir(parents=True)
    (fake.root / "run/blockstore").mkdir(parents=True)
    fake.runner.expect(*START, code=code)
    arm_logout(fake.machine)
    if code == 0:
        arm_logout(fake.machine)
