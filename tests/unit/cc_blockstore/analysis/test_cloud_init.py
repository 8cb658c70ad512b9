"""cloud-init's log: the events of the latest boot, ours among them; real logs are in `recorded/`."""

from __future__ import annotations

import pytest

from cc_blockstore.analysis import cloud_init
from cc_blockstore.analysis.recorded import Event

LOG = """\
2026-11-22 20:00:00,100 - util.py[DEBUG]: Cloud-init v. 22.4.2 running 'init-local' at Sun, 22 Nov 2026. Up 9.1 seconds.
2026-11-22 20:00:00,200 - handlers.py[DEBUG]: start: init-local/check-cache: attempting to read from cache [check]
2026-11-22 20:00:00,300 - handlers.py[DEBUG]: finish: init-local/check-cache: SUCCESS: no cache found
\0\0\0\x002026-11-22 21:00:00,100 - log_util.py[DEBUG]: Cloud-init v. 25.1.4 running 'init-local' at Sun, 22 Nov 2026. Up 9.
2026-11-22 21:00:00,500 - handlers.py[DEBUG]: start: init-local/search-NoCloud: searching for local data
a traceback, or whatever else somebody wrote: start: nothing
2026-11-22 21:00:01,000 - handlers.py[DEBUG]: finish: modules-config/data-login: SUCCESS: login of volume data took 1.250 seconds
"""


def test_the_events_of_the_latest_boot():
    found = cloud_init.events(LOG)
    assert [(each.name, each.begins) for each in found] == [
        ("init-local/search-NoCloud", True),
        ("modules-config/data-login", False),
    ]
    assert found[1].realtime - found[0].realtime == pytest.approx(0.5)
    assert found[0].realtime % 3600 == pytest.approx(0.5), "the stamps are UTC"


def test_a_log_without_a_first_stage_is_taken_whole():
    assert len(cloud_init.events(LOG.replace("running 'init-local'", "running"))) == 4
    assert cloud_init.events("") == ()


@pytest.mark.parametrize(("words", "told"), [
    ("SUCCESS: login of volume data took 1.250 seconds", ("data", "login", 1.25)),
    ("mount of volume name of volume x took 0.001 seconds", ("name of volume x", "mount", 0.001)),
    ("SUCCESS: config-blockstore ran successfully and took 22.419 seconds", None),
])  # fmt: skip
def test_a_step_of_ours_says_how_long_it_took(words, told):
    assert cloud_init.told(Event("modules-config/x", False, 0, words)) == told
    assert cloud_init.told(Event("modules-config/x", True, 0, words)) is None
