"""What held the volumes up: phases that add up, and words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cc_blockstore.analysis.recorded import Recorded
from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import Verdict, seconds, verdict
from tests.unit.boots import boot, moment, report, unit, volume

DATA, LOGS = volume("data", 1900, 60, 240, 600, 200), volume("logs", 300, 60, 240, 600, 200)


def judged(found: Recorded) -> Verdict:
    return verdict(timeline(found))


def test_the_phases_follow_each_other_and_add_up_to_the_time_until_the_last_volume():
    found = judged(boot(report(DATA, LOGS)))
    assert found.up == pytest.approx(25.1)
    assert found.phases[0].begin == 0
    assert found.phases[-1].end == pytest.approx(found.up)
    assert all(one.end == other.begin for one, other in zip(found.phases, found.phases[1:]))
    assert found.seconds == pytest.approx(25.1)
    assert sum(found.shares().values()) == pytest.approx(1)
    assert [each.name for each in found.phases][-6:] == [
        "blockstore", "data: login", "data: device", "data: partition", "data: filesystem", "data: mount",
    ]  # fmt: skip


def test_the_words():
    words = judged(boot(report(DATA, LOGS))).words
    assert words[0] == "All 2 volumes were up 25.1 s after the kernel started."
    assert words[1] == "What held them up longest: cloud-init: loading, 5.0 s (20%)."
    assert words[3] == (
        "The last was data: login took 1.9 s of its 3.0 s; its portal 10.0.0.2:3260 answered late (the others' logins: 0.3 s)."
    )


def test_a_portal_is_late_only_in_comparison():
    [told] = [each for each in judged(boot(report(DATA))).words if "login took" in each]
    assert told == "Of data: login took 1.9 s of its 3.0 s (portal 10.0.0.2:3260)."
    [told] = [each for each in judged(boot(report(DATA, volume("logs", 1800, 1)))).words if "login took" in each]
    assert "late" not in told


def test_another_step_than_the_login_names_no_portal():
    [told] = [each for each in judged(boot(report(volume("data", 10, 10, 10, 900, 10)))).words if "took" in each]
    assert told == "Of data: filesystem took 0.9 s of its 0.9 s."


def test_what_failed_is_named_with_its_reason():
    failed = [volume(f"dead{index}", 3600, failed="no answer from 10.0.0.9:3260") for index in range(7)]
    words = judged(boot(report(LOGS, *failed))).words
    assert words[0].startswith("1 of 8 volumes were up")
    assert "dead0 failed after 3.6 s: no answer from 10.0.0.9:3260." in words
    assert "So did 2 more." in words


def test_no_volume_at_all():
    found = judged(boot(report()))
    assert found.words[0] == "No volume was brought up in this boot."
    assert found.up is None
    assert found.seconds == pytest.approx(30.5)


def test_a_volume_mounted_from_fstab_was_not_held_up_by_cloud_init_s_later_stages():
    units = unit("srv-data.mount", 17.5, 18), unit("open-iscsi.service", 15, 17.5)
    found = judged(boot(report(volume("data", 1, 1, 1, 1, 1)), *units))
    assert found.up == 18
    assert found.phases[-1].end == 18
    assert "Of data: open-iscsi logged in and fstab mounted it, before our module came to it." in found.words


def test_services_and_the_clock_are_told_of():
    mount = unit("srv-data.mount", 25.1, 25.1, required_by=("early.service",))
    found = boot(report(DATA), mount, unit("early.service", 14, 15), unit("app.service", 27.5, 28))
    words = judged(replace(found, now=moment(60, 7200))).words
    assert "early.service was started 11.1 s before /srv/data was there." in words
    assert "app.service waited for the config stage and was started at 27.5 s." in words
    assert words[-1].startswith("The clock was set by +7200.0 s between 30.0 s and 60.0 s")


def test_a_later_run_is_no_boot():
    words = judged(boot(report(DATA, began=50))).words
    assert words[0] == "The last run was 50.1 s after the kernel started, not in the boot."


@pytest.mark.parametrize(("value", "text"), [
    (0, "0 ms"), (0.031, "31 ms"), (0.0996, "0.1 s"), (3.44, "3.4 s"), (119.9, "119.9 s"), (125, "2 min 05 s"),
])  # fmt: skip
def test_times_in_words(value, text):
    assert seconds(value) == text
