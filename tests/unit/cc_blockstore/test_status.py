"""status.json: for everybody to read, replaced whole, read back."""

from __future__ import annotations

from blockstore.report import Report
from cc_blockstore import status
from tests.unit.fakes import FakeMachine

REPORT = Report("i-1", "iqn", "now", 1, notes=("x",))


def test_it_is_for_everybody_and_can_be_read_back(fake: FakeMachine):
    assert status.read(fake.machine) is None
    status.write(fake.machine, REPORT)
    assert status.read(fake.machine) == REPORT
    assert (fake.root / "run/blockstore/status.json").stat().st_mode & 0o777 == 0o644
