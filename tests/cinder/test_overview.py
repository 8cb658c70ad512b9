"""The operators' page and ``status`` where the volumes are Cinder's: instances, what was passed through, and reports."""

from __future__ import annotations

import requests

from tests.cinder.conftest import Scene


def test_the_page_shows_what_was_passed_through_and_says_whose_the_volumes_are(scene: Scene) -> None:
    guest = scene.guest()
    volume, _ = scene.attached(guest)
    one = {"id": volume, "name": "data", "result": "failed", "reason": "no answer from 10.0.0.1:3260"}
    report = {"version": 1, "instance_id": guest.id, "started": "2026-11-22T00:00:00Z", "duration_ms": 1, "volumes": [one]}
    assert guest.ask("PUT", "report", report).status_code == 204
    headers = {"X-Auth-Token": scene.server.token}
    for path in ("?q=" + guest.id, f"/instances/{guest.id}"):
        answer = requests.get(f"{scene.server.operator_url}/overview{path}", headers=headers, timeout=30)
        assert answer.status_code == 200
        for words in (volume, "reserved", "no answer from 10.0.0.1:3260"):
            assert words in answer.text
    front = requests.get(f"{scene.server.operator_url}/overview", headers=headers, timeout=30).text
    assert "The volumes are those of the Cinder" in front
    assert scene.server.cli("status")["overview"] == f"{scene.server.operator_url}/overview"
