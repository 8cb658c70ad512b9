"""cloud-init's stages, and whether status.json tells of this boot's run."""

from __future__ import annotations

import pytest

from cc_blockstore.analysis import stages
from tests.unit.boots import EVENTS, UNITS, boot, report, unit, volume

KEYS = ["init-local", "init-network", "modules-config", "modules-final"]


def test_bounds_are_systemd_s_and_events_are_in_their_stage():
    found = stages.stages(boot(report()))
    assert [each.key for each in found] == KEYS
    assert (found[0].begin, found[0].end) == (10, 13)
    assert found[0].lasted("init-local/search-BlockStore") == pytest.approx((10.5, 11))
    assert found[0].lasted("init-local/none") is None


def test_the_older_name_of_the_network_stage():
    older = (*UNITS[1:2], unit("cloud-init.service", 16, 19))
    assert [each.key for each in stages.stages(boot(None, units=older))] == KEYS[:2]


def test_a_stage_that_runs_still_ends_now():
    running = (unit("cloud-config.service", 20, None),)
    assert stages.stages(boot(None, units=running, now=25))[0].end == 25


@pytest.mark.parametrize("events", [EVENTS, ()])
def test_the_run_of_status_json_began_within_the_stage(events):
    [*_, config, _] = stages.stages(boot(report(volume("data", 1)), events=events))
    assert config.report == 22


def test_a_later_run_is_told_from_the_boot_s():
    later = boot(report(volume("data", 1), began=50))
    assert stages.stages(later)[2].report is None
    assert stages.stages(later)[2].lasted(stages.MODULE) == pytest.approx((21.5, 26.5))
    assert stages.began(later) == 50


def test_a_report_that_does_not_say_when_it_began():
    found = boot(report(volume("data", 1), began=0))
    assert stages.began(found) is None
    assert stages.stages(found)[2].report is None
