"""The same facts as JSON."""

from __future__ import annotations

import json

import pytest

from cc_blockstore.analysis.timeline import timeline
from cc_blockstore.analysis.verdict import verdict
from cc_blockstore.analysis.wire import wire
from tests.unit.boots import SLOW, boot, report, unit, volume


def test_everything_of_the_timeline_is_in_it():
    mount = unit("srv-data.mount", 25.1, 25.1, required_by=("late.service",))
    found = timeline(boot(report(volume("data", 1900, 60, 240, 600, 200)), mount, unit("late.service", 26, 27)))
    told = json.loads(json.dumps(wire(found, verdict(found))))
    assert (told["version"], told["boot_id"], told["begin_ms"], told["finished_ms"]) == (1, "boot-1", 0, 30500)
    assert told["boot"][0] == {"kind": "kernel", "inside": False, "name": "kernel", "start_ms": 0, "ms": 1000}
    [data] = told["volumes"]
    assert (data["name"], data["portal"], data["mounts"], data["result"]) == ("data", SLOW, ["/srv/data"], "ok")
    assert data["steps"][0] == {"step": "login", "start_ms": 22100, "ms": 1900}
    assert told["services"] == [{"name": "late.service", "start_ms": 26000, "ms": 1000, "after": "/srv/data", "early": False}]
    assert told["verdict"]["last"] == "data"
    assert sum(each["ms"] for each in told["verdict"]["phases"]) == told["verdict"]["up_ms"] == 25100
    assert sum(told["verdict"]["shares"].values()) == pytest.approx(1, abs=0.001)
