"""Reading a boot: which units are asked for, and what is said where something cannot be read."""

from __future__ import annotations

import os

from blockstore.report import Report
from blockstore.values import replace
from cc_blockstore.machine import boot
from cc_blockstore.plan.mount import unit_name
from tests.unit.boots import report, volume
from tests.unit.fakes import FakeMachine

SHOW = ("systemctl", "show", "--timestamp=us+utc", ..., "--")
DATE = "Sun 2026-11-22 21:11:33.250000 UTC"


def block(name: str, **more: str) -> str:
    lines = (f"{key}={value}" for key, value in more.items())
    return "\n".join((f"Id={name}", f"InactiveExitTimestamp={DATE}", "InactiveExitTimestampMonotonic=22000000", *lines, "", ""))


def see(fake: FakeMachine, found: Report | None = None):
    return boot.see(fake.machine, found, {"id-data": "10.0.0.1:3260"}, lambda: 1_800_000_060.0)


def test_everything_is_read_with_three_processes_at_most(fake: FakeMachine):
    fake.write("proc/sys/kernel/random/boot_id", "b-1\n")
    fake.write("var/log/cloud-init.log", "2026-11-22 21:00:00,500 - handlers.py[DEBUG]: start: init-local/search-X: searching\n")
    fake.runner.expect(*SHOW, stdout="UserspaceTimestampMonotonic=2000000\n")
    units = block("cloud-config.service", Before="app.service cloud-final.service x.target") + block(
        "srv-data.mount", RequiredBy="db.service"
    )
    fake.runner.expect(*SHOW, *boot.OURS, "srv-data.mount", stdout=units)
    fake.runner.expect(*SHOW, "app.service", "db.service", stdout=block("app.service"))
    found = see(fake, report(volume("data", 1)))
    assert (found.boot_id, found.manager.userspace, found.now.monotonic, found.notes) == ("b-1", 2.0, 1000.0, ())
    assert set(found.units) == {"cloud-config.service", "srv-data.mount", "app.service"}
    assert [each.name for each in found.events] == ["init-local/search-X"]
    assert found.portals == {"id-data": "10.0.0.1:3260"}


def test_a_mount_behind_a_link_has_the_unit_of_where_it_is(fake: FakeMachine, tmp_path):
    (tmp_path / "link").symlink_to("real")
    told = report(volume("data", 1))
    [one] = told.volumes
    there = replace(one, filesystems=(replace(one.filesystems[0], mount=f"{tmp_path}/link/data"),))
    fake.runner.expect(*SHOW, stdout="UserspaceTimestampMonotonic=2000000\n")
    fake.runner.expect(*SHOW, *boot.OURS, unit_name(f"{tmp_path}/real/data"))
    found = see(fake, replace(told, volumes=(there,)))
    assert found.report is not None
    assert found.report.volumes[0].filesystems[0].mount == f"{tmp_path}/real/data"


def test_what_cannot_be_read_is_told(fake: FakeMachine):
    fake.runner.expect(*SHOW, code=1, stderr="Failed to connect to bus")
    found = see(fake)
    assert found.units == {}
    assert "Failed to connect to bus" in found.notes[0]
    assert found.notes[1].startswith("/var/log/cloud-init.log is not there or empty, so what happened")


def test_a_log_of_root_s_is_told_as_that(fake: FakeMachine, monkeypatch):
    fake.write("var/log/cloud-init.log", "")
    monkeypatch.setattr(os, "access", lambda *_: False)
    fake.runner.expect(*SHOW, code=1)
    assert see(fake).notes[1].startswith("/var/log/cloud-init.log cannot be read (run it as root), so what happened")
