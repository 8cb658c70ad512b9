"""``blockstore-server status``: what there is, what it stands on, and what went wrong, in words and as JSON."""

from __future__ import annotations

import pytest
import requests

from blockstore.report import Report, Result, VolumeReport
from tests.target.conftest import Scene
from tests.target.test_command import run


def test_it_says_what_there_is_and_what_it_stands_on(scene: Scene, request: pytest.FixtureRequest) -> None:
    guest = scene.guest()
    _, attachment = scene.attached(guest)
    before = scene.server.client.get("/status")["status"]
    guest.connect(attachment)
    guest.complete(attachment)
    found = scene.server.cli("status")
    assert found["attachments"]["attached"] == before["attachments"].get("attached", 0) + 1
    assert found["exports"]["wanted"] == before["exports"]["wanted"] + 1
    assert found["exports"]["present"] == before["exports"]["present"] + 1
    assert found["target"] == {"driver": "tgt", "running": True}
    assert (found["database"]["kind"], found["database"]["keys"]) == (request.config.getoption("--database"), 0)
    [kind] = found["types"]
    assert (kind["name"], kind["backend"], kind["default"]) == ("sparse", "sparse", True)
    assert kind["volumes"] == sum(found["volumes"].values())
    assert found["overview"] == f"{scene.server.operator_url}/overview"


def test_the_last_reports_that_failed_are_told_until_a_better_one_comes(scene: Scene) -> None:
    guest = scene.guest()
    volume, _ = scene.attached(guest)
    refused = VolumeReport(volume, "data", Result.REFUSED, reason="size: wanted 2 GiB, found 1 GiB")
    report = Report(guest.id, guest.initiator, "2026-11-22T10:00:00+00:00", 10, (refused,), faults=("x: unknown key",))
    assert guest.ask("PUT", "report", report.to_wire()).status_code == 204
    told = run(scene.server, "status").stdout
    assert "data refused: size: wanted 2 GiB, found 1 GiB" in told
    assert "x: unknown key" in told
    last = {each["instance"]: each for each in scene.server.cli("status")["reports"]["last"]}
    assert last[guest.id]["reasons"] == ["data refused: size: wanted 2 GiB, found 1 GiB", "x: unknown key"]
    well = Report(guest.id, guest.initiator, "2026-11-22T11:00:00+00:00", 10)
    assert guest.ask("PUT", "report", well.to_wire()).status_code == 204
    assert guest.id not in {each["instance"] for each in scene.server.cli("status")["reports"]["last"]}


def test_an_instance_keeps_its_last_ten_reports_and_the_same_one_once(scene: Scene) -> None:
    guest = scene.guest()
    for number in range(12):
        report = Report(guest.id, guest.initiator, f"2026-11-22T10:{number:02}:00+00:00", number)
        for _ in range(2):
            assert guest.ask("PUT", "report", report.to_wire()).status_code == 204
    headers = {"X-Auth-Token": scene.server.token}
    page = requests.get(f"{scene.server.operator_url}/overview/instances/{guest.id}", headers=headers, timeout=10).text
    assert page.count('<article class="card') == 10
    assert "blockstore 11 ms" in page
    assert "blockstore 1 ms" not in page
