"""The picture of a boot: geometry from a report, inside its frame whatever the report says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.report import Report, Result, StepReport, VolumeReport
from metadata_server.overview.picture import AXIS, LONGEST_NAME, ROW, draw, headline
from metadata_server.overview.scale import LATEST_BOOT_MS, SHARE_BEFORE, Scale, scale
from tests.unit.wire import REPORTS

STEPS = (StepReport("login", True, 0, 100), StepReport("device", True, 100, 100), StepReport("mount", True, 800, 200))
DATA = VolumeReport("v1", "data", Result.OK, True, steps=STEPS)
BOOT = Report("i", "iqn", "2026-11-22T10:00:00+00:00", 1000, (DATA,), uptime_ms=14_000)
REFUSED = VolumeReport("v2", "logs", Result.REFUSED, reason="size: wanted 2 GiB, found 1 GiB", steps=STEPS[:2])


def test_a_long_boot_before_a_short_run_gets_a_scale_of_its_own():
    drawn = draw(BOOT, 9)
    assert (drawn.begin, drawn.broken, drawn.before) == (SHARE_BEFORE, True, "boot 14.0 s")
    [row] = drawn.rows
    assert [(bar.look, bar.x, bar.width) for bar in row.bars] == [
        ("login", 16, 8.4),
        ("device", 24.4, 8.4),
        ("mount", 83.2, 16.8),
    ]
    assert drawn.up == 100
    assert [(tick.word, tick.x) for tick in drawn.ticks] == [
        ("power-on", 0), ("14.5 s", 58), ("15.0 s", 100),
    ]  # fmt: skip


def test_a_run_that_is_long_itself_is_drawn_to_one_scale():
    slow = replace(BOOT, duration_ms=14_000)
    drawn = draw(slow, 9)
    assert (drawn.begin, drawn.broken) == (50, False)
    assert [tick.word for tick in drawn.ticks] == ["power-on", "10 s", "20 s"]


@pytest.mark.parametrize("uptime", [0, LATEST_BOOT_MS + 1])
def test_without_a_power_on_it_begins_with_the_run(uptime):
    drawn = draw(replace(BOOT, uptime_ms=uptime), 9)
    assert (drawn.begin, drawn.before) == (0, "")
    assert [(tick.word, tick.x) for tick in drawn.ticks] == [("begin", 0), ("0.5 s", 50), ("1.0 s", 100)]


def test_what_failed_is_marked_at_its_last_step_and_comes_first():
    drawn = draw(replace(BOOT, volumes=(DATA, REFUSED)), 9)
    assert [(row.name, row.look, row.told) for row in drawn.rows] == [
        ("logs", "bad", "was refused"),
        ("data", "well", "up at 15.0 s"),
    ]
    assert [bar.failed for bar in drawn.rows[0].bars] == [False, True]
    assert drawn.up is None
    assert drawn.height == AXIS + 3 * ROW


def test_more_volumes_than_there_is_room_for_are_counted():
    drawn = draw(replace(BOOT, volumes=(DATA,) * 9 + (REFUSED,)), 4)
    assert (len(drawn.rows), drawn.hidden, drawn.rows[0].name) == (4, 6, "logs")


def test_a_step_of_a_later_version_keeps_its_name_and_a_volume_without_one_its_id():
    drawn = draw(replace(BOOT, volumes=(replace(DATA, name="", steps=(StepReport("encrypt", True, 0, 900),)),)), 9)
    [row] = drawn.rows
    assert (row.name, row.bars[0].look, row.bars[0].word) == ("v1", "other", "encrypt")


def test_the_picture_is_told_in_words():
    assert draw(BOOT, 9).description == "data up at 15.0 s (login 100 ms, device 100 ms, mount 200 ms)."
    assert draw(BOOT, 9).rows[0].bars[0].tip == "login: 100 ms, from 14.0 s, changed something"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (BOOT, "data is up 15.0 s after power-on."),
        (replace(BOOT, volumes=(DATA, DATA)), "All 2 volumes are up 15.0 s after power-on."),
        (replace(BOOT, uptime_ms=0), "data is up 1.00 s after the run began."),
        (replace(BOOT, volumes=(DATA, REFUSED)), "1 of 2 volumes did not come up: logs was refused."),
        (replace(BOOT, volumes=(replace(REFUSED, result=Result.FAILED),)), "1 of 1 volume did not come up: logs failed."),
        (replace(BOOT, volumes=()), "No volume was attached."),
        (replace(BOOT, volumes=(), faults=("a", "b")), "The document has 2 faults."),
        (replace(BOOT, faults=("a",)), "All volumes came up, but the document has 1 fault."),
    ],
)
def test_how_it_ended_in_one_sentence(report, words):
    assert headline(report) == words


@given(REPORTS, st.integers(0, 1 << 63), st.integers(0, 1 << 63), st.integers(0, 1 << 63))
def test_everything_lies_inside_whatever_the_numbers_are(report, uptime, start, ms):
    wild = VolumeReport("w", "‮" + "x" * 300, Result.OK, steps=(StepReport("login", True, start, ms),) * 99)
    drawn = draw(replace(report, uptime_ms=uptime, volumes=(*report.volumes, wild)), 5)
    assert 0 <= drawn.begin < 100
    for row in drawn.rows:
        assert len(row.name) <= LONGEST_NAME
        assert row.y + ROW <= drawn.height + AXIS
        for bar in row.bars:
            assert bar.x >= 0
            assert bar.width > 0
            assert bar.end <= 100.001
    assert all(0 <= tick.x <= 100 for tick in drawn.ticks)
    assert len(drawn.ticks) <= 7
    assert "‮" not in drawn.title + drawn.description


@given(st.integers(0, LATEST_BOOT_MS), st.integers(0, 1 << 63))
def test_ticks_are_few_and_round(uptime, run):
    ticks = scale(uptime, run).ticks()
    assert len({tick.word for tick in ticks}) == len(ticks) <= 7
    assert [tick.x for tick in ticks] == sorted(tick.x for tick in ticks)


def test_the_scale_never_leaves_its_frame():
    axis = Scale(1000, 100)
    assert (axis.at(-5), axis.at(0), axis.at(100), axis.at(10**30)) == (16, 16, 100, 100)
