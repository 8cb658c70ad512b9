"""The report: there and back, whatever the tools said; no place for a secret."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore import report as words
from blockstore.errors import DocumentInvalid
from blockstore.report import FilesystemReport, Report, Result, VolumeReport
from tests.unit.wire import REPORTS, broken

BARE = Report("i-1", "iqn.2018-12.com.x:a", "2026-11-22T10:00:00.000+00:00", 812)


def with_volumes(*results: Result) -> Report:
    return Report("i-1", "iqn", "now", 1, tuple(VolumeReport(f"v{n}", "x", result) for n, result in enumerate(results)))


@given(REPORTS)
def test_round_trip(report):
    again = words.from_wire(json.loads(json.dumps(report.to_wire())))
    assert again.to_wire() == report.to_wire()


@given(st.text())
def test_whatever_a_tool_said_the_report_can_be_read_again(said):
    volume = VolumeReport("v1", "x", Result.FAILED, reason=said, filesystems=(FilesystemReport("/dev/sda", "ext4", label=said),))
    wire = json.loads(json.dumps(Report("i", "", "", 0, (volume,), (said,), (said,)).to_wire()))
    again = words.from_wire(wire)
    assert again.volumes[0].result is Result.FAILED
    assert "\n" not in again.volumes[0].reason


def test_its_shape():
    assert BARE.to_wire() == {
        "version": 1,
        "instance_id": "i-1",
        "initiator_name": "iqn.2018-12.com.x:a",
        "started": "2026-11-22T10:00:00.000+00:00",
        "duration_ms": 812,
        "volumes": [],
    }
    assert replace(BARE, uptime_ms=14270).to_wire() == {**BARE.to_wire(), "uptime_ms": 14270}
    volume = VolumeReport("v1", "data", Result.OK).to_wire()
    assert (volume["reason"], volume["device"], volume["serial"]) == (None, None, None)


@pytest.mark.parametrize(
    ("report", "healthy"),
    [
        (BARE, True),
        (with_volumes(Result.OK), True),
        (with_volumes(Result.OK, Result.REFUSED), False),
        (with_volumes(Result.FAILED), False),
        (Report("i", "", "", 0, faults=("x",)), False),
        (Report("i", "", "", 0, notes=("x",)), True),
    ],
)
def test_healthy(report, healthy):
    assert report.healthy is healthy


def test_changed():
    assert not with_volumes(Result.OK).changed
    assert Report("i", "", "", 0, (VolumeReport("v", "x", Result.FAILED, True),)).changed


@pytest.mark.parametrize(
    "value",
    [
        {},
        None,
        [],
        {**BARE.to_wire(), "version": 2},
        {**BARE.to_wire(), "duration_ms": -1},
        {**BARE.to_wire(), "volumes": [{"name": "x"}]},
        {**BARE.to_wire(), "volumes": [{"id": "v", "result": "great"}]},
    ],
)
def test_what_is_no_report(value):
    with pytest.raises(DocumentInvalid):
        words.from_wire(value)


def test_a_key_of_a_later_version_is_no_fault():
    assert words.from_wire({**BARE.to_wire(), "invented_later": {"x": 1}}) == BARE


@given(REPORTS, st.data())
def test_broken_input_is_faults_or_a_report(report, data):
    try:
        words.from_wire(data.draw(broken(report.to_wire())))
    except DocumentInvalid as error:
        assert error.faults  # noqa: PT017
