"""Boots of real guests of both releases, as their systemd, cloud-init and our module put them down.

Each folder of `recorded/` holds the outputs of `systemctl show` (manager, units), the lines of cloud-init's log that matter, and
status.json. In bookworm's, the clock was set an hour forward by a bootcmd in the network stage.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from blockstore import report
from cc_blockstore.analysis import cloud_init, systemd
from cc_blockstore.analysis.recorded import Moment, Recorded
from cc_blockstore.analysis.stages import stages
from cc_blockstore.analysis.terminal import Style, text
from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import verdict

FOLDER = Path(__file__).parent / "recorded"
HOUR = 3600
SET = {"bookworm": [HOUR], "trixie": []}


@pytest.fixture(params=sorted(SET))
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def recorded(suite: str) -> Recorded:
    def read(name: str) -> str:
        return (FOLDER / suite / name).read_text()

    units = systemd.units(read("units.txt"))
    last = max((each.up for each in units.values() if each.up), key=lambda up: up.monotonic)
    now = Moment(last.monotonic + 5, last.realtime + 5)
    return Recorded(
        suite, now, systemd.manager(read("manager.txt")), units, cloud_init.events(read("cloud-init.log")),
        report.from_wire(json.loads(read("status.json"))),
    )  # fmt: skip


def test_every_event_is_within_its_stage(recorded: Recorded):
    found = stages(recorded)
    assert [each.key for each in found] == ["init-local", "init-network", "modules-config", "modules-final"]
    for stage in found:
        assert stage.events
        assert all(stage.begin - 0.2 <= each.at <= stage.end + 0.2 for each in stage.events), stage.key


def test_the_rows_follow_systemd_s_own_figures(recorded: Recorded):
    found = timeline(recorded)
    rows = {each.name: each for each in found.rows}
    assert rows["kernel"].end == recorded.manager.userspace
    config = recorded.units["cloud-config.service"]
    assert config.up is not None
    assert (rows["cloud-init: config"].begin, rows["cloud-init: config"].end) == (config.begun.monotonic, config.up.monotonic)
    outer = [each for each in found.rows if not each.inside]
    assert all(one.end <= other.begin + 0.05 for one, other in itertools.pairwise(outer))
    assert found.notes == ()


def test_a_clock_that_was_set_is_told_of_and_changes_nothing_else(recorded: Recorded, suite: str):
    assert [round(each.seconds) for each in timeline(recorded).jumps] == [pytest.approx(each, abs=1) for each in SET[suite]]


def test_the_module_s_run_is_the_one_of_the_log(recorded: Recorded):
    """Its beginning by the kernel's uptime and by the stamp of the log's line, which nobody compared when they were written."""
    module = next(each for each in timeline(recorded).rows if each.name == "blockstore")
    [config] = [each for each in stages(recorded) if each.key == "modules-config"]
    assert config.report is not None
    assert module.begin - 0.05 <= config.report <= module.end


def test_the_verdict_adds_up(recorded: Recorded):
    found = timeline(recorded)
    judged = verdict(found)
    assert judged.last in found.volumes
    assert judged.seconds == pytest.approx(judged.up)
    assert judged.words[0].startswith("All 3 volumes were up")
    shown = text(found, judged, Style(60))
    assert max(len(line) for line in shown.splitlines()) <= 60
    assert all(f"\n{name} " in shown for name in ("data", "logs", "scratch"))
