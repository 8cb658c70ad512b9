"""The logout at shutdown is armed once, where systemd runs, and waits for no unit."""

from __future__ import annotations

from cc_blockstore.machine.service import arm_logout
from tests.unit.fakes import FakeMachine

START = ("systemctl", "start", "--no-block", "open-iscsi.service")


def test_once_where_systemd_runs_and_nobody_waits_for_it(fake: FakeMachine):
    arm_logout(fake.machine)
    (fake.root / "run/systemd/system").mkdir(parents=True)
    (fake.root / "run/blockstore").mkdir(parents=True)
    fake.runner.expect(*START)
    arm_logout(fake.machine)
    arm_logout(fake.machine)
    assert [each.argv for each in fake.launched] == [START]
