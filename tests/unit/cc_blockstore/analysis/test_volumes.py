"""The volumes' lines, from either source."""

from __future__ import annotations

import pytest

from cc_blockstore.analysis import volumes
from cc_blockstore.analysis.recorded import Event
from cc_blockstore.analysis.stages import Placed, Stage
from tests.unit.boots import SLOW, report, volume


def test_steps_of_a_report_begin_with_the_run():
    [line] = volumes.reported(report(volume("da\x1bta", 1900, 100, failed="no answer")), 22.0, {"id-da\x1bta": SLOW})
    assert [(each.name, each.begin, each.end) for each in line.steps] == [
        ("login", pytest.approx(22.1), pytest.approx(24.0)), ("device", pytest.approx(24.0), pytest.approx(24.1)),
    ]  # fmt: skip
    assert (line.name, line.result, line.reason, line.portal) == ("da ta", "failed", "no answer", SLOW)


def test_steps_of_the_log_end_with_their_event():
    words = [
        ("login of volume data took 1.500 seconds", 24.0),
        ("mount of volume data took 0.250 seconds", 25.0),
        ("other", 26.0),
    ]
    events = tuple(Placed(Event("modules-config/x", False, 0, f"SUCCESS: {each}"), at) for each, at in words)
    [line] = volumes.logged(Stage("modules-config", 20, 27, events))
    assert [(each.name, each.begin, each.end) for each in line.steps] == [("login", 22.5, 24.0), ("mount", 24.75, 25.0)]
    assert line.result == ""
