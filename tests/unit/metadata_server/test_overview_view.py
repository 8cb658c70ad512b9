"""The page as values: what the address asks for, and what the template gets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blockstore.report import Report, Result, StepReport, VolumeReport
from metadata_server.overview import view
from metadata_server.overview.boot import boot
from metadata_server.overview.view import Query, VolumeRow
from metadata_server.store.overview import AttachmentRow, InstanceRow, Wish
from metadata_server.store.reports import Kept
from metadata_server.workflow.health import Amounts
from metadata_server.workflow.overview import Front

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
BAD = VolumeReport("v", "", Result.REFUSED, reason="size", steps=(StepReport("partition", False, 1, 2),))
REPORT = Report("i", "iqn", "2026-11-22T11:58:00+00:00", 10, (BAD,), uptime_ms=9000)
AMOUNTS = Amounts({"in-use": 3, "available": 1}, {"attached": 3}, 13, 0)


def test_an_address_that_nobody_understands_asks_for_everything():
    assert Query.read({"q": " ", "trouble": "yes", "refresh": "1", "x": "y"}) == Query()


def test_a_link_keeps_what_it_does_not_change():
    query = Query.read({"q": "a&b=<c>", "trouble": "1", "refresh": "0"})
    assert query.link(volumes_after="v 1", fragment="#volumes") == (
        "/overview?q=a%26b%3D%3Cc%3E&trouble=1&volumes_after=v+1&refresh=0#volumes"
    )
    assert Query().link() == "/overview"
    assert query.instances == Wish("a&b=<c>", True, "", view.INSTANCES)


def test_an_id_is_one_part_of_the_path_whatever_is_in_it():
    assert view.instance_path("../a?b#c%") == "/instances/..%2Fa%3Fb%23c%25"


def rows(count: int) -> tuple[InstanceRow, ...]:
    return tuple(
        InstanceRow(str(number), f"web-{number}", "iqn", "2026-11-22T10:00:00+00:00", None, "") for number in range(count)
    )


def front(count: int, *, health: bool = True) -> view.FrontView:
    found = Front(rows(count), (), {}, (Kept("7", REPORT.to_wire(), "2026-11-22T11:58:00+00:00", "web-7"),), 1, {})
    return view.front(Query(), found, AMOUNTS, {"database": True, "target": health}, NOW)


def test_there_is_a_next_page_only_where_there_is_more():
    assert front(view.INSTANCES).next_instances == ""
    more = front(view.INSTANCES + 1)
    assert len(more.cards) == view.INSTANCES
    assert more.next_instances == f"/overview?instances_after={view.INSTANCES - 1}#instances"


def test_trouble_is_told_above_the_lists():
    shown = front(1, health=False)
    assert shown.broken == ("target",)
    [alarm] = shown.alarms
    assert (alarm.what, alarm.reason, alarm.age) == ("web-7", "1 of 1 volume did not come up: v was refused.", "2 minutes ago")


def test_volumes_by_status_are_one_bar():
    assert [(part.look, part.word, part.x, part.width) for part in view.parts(AMOUNTS.volumes)] == [
        ("well", "in-use", 0, 75), ("idle", "available", 75, 25),
    ]  # fmt: skip
    assert view.parts({}) == ()


@pytest.mark.parametrize(
    ("lifecycle", "attachment", "word", "look"),
    [
        ("ready", None, "available", "idle"), ("ready", "attached", "in-use", "well"),
        ("ready", "reserved", "reserved", "moving"),
        ("error", None, "error", "bad"), ("creating", None, "creating", "moving"), ("ready", "detaching", "detaching", "moving"),
    ],
)  # fmt: skip
def test_a_volume_has_cinders_status_and_a_look(lifecycle, attachment, word, look):
    own = AttachmentRow("a", attachment, "rw", "", "v", "data", 1, "i", "web") if attachment else None
    assert view.status_of(VolumeRow("v", "data", 1, lifecycle, "sparse", own)) == word
    assert view.look_of(word) == look


def test_a_boot_is_told_in_words():
    told = boot(REPORT.to_wire(), "2026-11-22T11:58:00+00:00", NOW, most=5)
    assert told is not None
    assert (told.kind, told.age, told.look, told.received) == ("Boot", "2 minutes ago", "bad", "2026-11-22 11:58:00 UTC")
    [trouble] = told.trouble
    assert (trouble.name, trouble.ended, trouble.step, trouble.reason) == ("v", "was refused", "partition", "size")


@pytest.mark.parametrize(("uptime", "kind"), [(9000, "Boot"), (0, "Run"), (7_200_000, "Run, 2 h 00 min after power-on")])
def test_what_began_a_run(uptime, kind):
    told = boot({**REPORT.to_wire(), "uptime_ms": uptime}, "", NOW, most=5)
    assert told is not None
    assert told.kind == kind


@pytest.mark.parametrize("body", [None, {}, {"version": 7}, {"version": 1, "volumes": "x"}])
def test_what_is_no_report_is_no_boot(body):
    assert boot(body, "", NOW, most=5) is None
