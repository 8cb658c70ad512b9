"""What `systemctl show` prints; real outputs are in `recorded/`."""

from __future__ import annotations

from cc_blockstore.analysis import systemd
from cc_blockstore.analysis.recorded import Manager

TEXT = """\
Id=cloud-config.service
RequiredBy=
Before=app.service cloud-final.service
InactiveExitTimestamp=Sun 2026-11-22 21:11:33.250000 UTC
InactiveExitTimestampMonotonic=22000000
ActiveEnterTimestamp=n/a
ActiveEnterTimestampMonotonic=0

Id=never.service
InactiveExitTimestamp=
InactiveExitTimestampMonotonic=0
"""


def test_units_with_their_moments_on_both_clocks():
    found = systemd.units(TEXT)
    assert list(found) == ["cloud-config.service"], "what this boot did not start is not there"
    config = found["cloud-config.service"]
    assert (config.begun.monotonic, config.begun.realtime % 60) == (22.0, 33.25)
    assert config.up is None
    assert config.before == ("app.service", "cloud-final.service")


def test_a_date_without_microseconds_is_taken_as_it_is():
    text = "Id=a.service\nInactiveExitTimestamp=Sun 2026-11-22 21:11:33 UTC\nInactiveExitTimestampMonotonic=5\n"
    assert systemd.units(text)["a.service"].begun.realtime % 60 == 33


def test_a_date_that_is_none_makes_no_moment():
    assert systemd.units("Id=a.service\nInactiveExitTimestamp=Sun 22.11. noon UTC\nInactiveExitTimestampMonotonic=5\n") == {}


def test_the_manager_s_own():
    text = "InitRDTimestampMonotonic=0\nUserspaceTimestampMonotonic=2500000\nFinishTimestampMonotonic=30000000\nOther=1\n"
    assert systemd.manager(text) == Manager(userspace=2.5, finish=30.0)
