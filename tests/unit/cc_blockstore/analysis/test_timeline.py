"""From what was recorded to rows, volumes and services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cc_blockstore.analysis.recorded import Event, Manager, Moment
from cc_blockstore.analysis.spans import FSTAB
from cc_blockstore.analysis.timeline import timeline
from tests.unit.boots import EPOCH, EVENTS, SLOW, UNITS, boot, moment, report, unit, volume

DATA = volume("data", 1900, 60, 240, 600, 200)


def test_the_rows_of_a_boot():
    rows = [(each.name, each.begin, each.end) for each in timeline(boot(report(DATA))).rows]
    assert rows == [
        ("kernel", 0, 1), ("initrd", 1, 2), ("systemd: early", 2, 5),
        ("cloud-init: loading", 5, 10), ("cloud-init: local", 10, 13), about("search BlockStore", 10.5, 11),
        ("systemd: network", 13, 16), ("cloud-init: network", 16, 19),
        ("systemd: to config", 19, 20), ("cloud-init: config", 20, 27), about("blockstore", 21.5, 26.5),
        ("systemd: to final", 27, 28), ("cloud-init: final", 28, 30),
    ]  # fmt: skip


def about(name: str, begin: float, end: float):
    return name, pytest.approx(begin), pytest.approx(end)


def test_firmware_and_loader_are_before_the_kernel():
    found = replace(boot(report(DATA)), manager=Manager(firmware=3.0, loader=1.0, userspace=2.0))
    rows = timeline(found).rows
    assert [(each.name, each.begin, each.end) for each in rows[:3]] == [
        ("firmware", -3, -1),
        ("boot loader", -1, 0),
        ("kernel", 0, 2),
    ]
    assert "this boot has not finished yet" in timeline(found).notes


def test_without_the_log_the_module_is_known_from_its_report():
    rows = {each.name: each for each in timeline(boot(report(DATA), events=())).rows}
    assert (rows["blockstore"].begin, rows["blockstore"].end) == (22, 26)


def test_after_a_later_run_the_boot_s_steps_are_from_the_log():
    told = Event("modules-config/data-login", False, EPOCH + 24.5, "SUCCESS: login of volume data took 1.500 seconds")
    found = timeline(boot(report(DATA, began=50), events=(*EVENTS, told)))
    assert [(each.name, each.steps[0].begin, each.portal, each.result) for each in found.volumes] == [
        ("data", pytest.approx(23), SLOW, "")
    ]
    assert not found.later
    assert any("later run" in note for note in found.notes)


def test_where_nobody_knows_of_the_boot_s_run_the_later_one_is_shown_as_such():
    found = timeline(boot(report(DATA, began=50)))
    assert found.later
    assert found.volumes[0].begin == pytest.approx(50.1)


def test_a_volume_that_fstab_mounted_was_up_before_the_module():
    units = unit("srv-data.mount", 17.5, 18), unit("open-iscsi.service", 15, 17.5)
    found = timeline(boot(report(volume("data", 1, 1, 1, 1, 1)), *units))
    assert (found.volumes[0].steps[0].name, found.volumes[0].up) == (FSTAB, 18)
    assert any(each.name == "open-iscsi: logins" for each in found.rows)


def test_a_mount_that_our_module_made_is_its_own():
    units = unit("srv-data.mount", 25.1, 25.1), unit("open-iscsi.service", 25.5, 25.6)
    found = timeline(boot(report(DATA), *units))
    assert found.volumes[0].steps[0].name == "login"
    assert not any("open-iscsi" in each.name for each in found.rows)


def test_services_that_wait_for_a_volume_or_for_the_stage():
    mount = unit("srv-data.mount", 25.1, 25.1, required_by=("late.service", "early.service", "data.target"))
    units = mount, unit("late.service", 25.2, 26), unit("early.service", 14, None), unit("app.service", 27.5, 28)
    found = {each.service.name: each for each in timeline(boot(report(DATA), *units)).services}
    assert set(found) == {"late.service", "early.service", "app.service"}
    assert (found["late.service"].after, found["late.service"].early) == ("/srv/data", False)
    assert found["early.service"].early
    assert (found["app.service"].after, found["app.service"].there) == ("the config stage", 27)


def set_by(at: Moment, seconds: float) -> Moment:
    """A moment of a boot whose clock is set at its twentieth second."""
    return moment(at.monotonic, seconds if at.monotonic > 20 else 0)


@pytest.mark.parametrize("hour", [3600, -3600])
def test_a_clock_that_is_set_in_the_config_stage_moves_nothing(hour):
    """All that is written after it is an hour off, status.json too."""
    steady = timeline(boot(report(DATA)))
    units = [replace(each, begun=set_by(each.begun, hour), up=set_by(each.up or each.begun, hour)) for each in UNITS]
    events = tuple(replace(each, realtime=each.realtime + (hour if each.realtime > EPOCH + 20 else 0)) for each in EVENTS)
    found = replace(boot(report(DATA), units=tuple(units), events=events), now=moment(60, hour))
    shifted = timeline(found)
    assert [(each.name, each.begin, each.end) for each in shifted.rows] == [
        (each.name, pytest.approx(each.begin), pytest.approx(each.end)) for each in steady.rows
    ]
    assert shifted.volumes[0].begin == pytest.approx(steady.volumes[0].begin)
    assert [round(each.seconds) for each in shifted.jumps] == [hour]


def test_nothing_recorded_is_nothing_drawn():
    found = timeline(replace(boot(None, units=(), events=()), manager=Manager()))
    assert (found.rows, found.volumes) == ((), ())
    assert found.notes == ("systemd knows of no stage of cloud-init in this boot",)
