"""What an operator sees of the real server: health, figures, JSON logs with the caller's request id and without a secret."""

from __future__ import annotations

import json
from pathlib import Path

import requests

from testbed.server import LocalServer
from tests.target.conftest import Scene, until

ID = "req-01234567-89ab-cdef-0123-456789abcdef"


def figures(server: LocalServer) -> dict[str, float]:
    text = requests.get(f"{server.operator_url}/metrics", timeout=10).text
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


def test_health_and_figures_want_no_token_and_figures_are_the_operators(folder: Path) -> None:
    with LocalServer(folder) as server:
        scene = Scene(server)
        guest = scene.guest()
        _, attachment = scene.attached(guest)
        scene.volume()
        guest.login(attachment)
        guest.complete(attachment)
        for url in (server.instance_url, server.operator_url):
            answer = requests.get(f"{url}/healthz", timeout=10)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "target": "ok"})
        assert requests.get(f"{server.instance_url}/metrics", timeout=10).status_code == 404
        found = figures(server)
        assert found['blockstore_volumes{status="in-use"}'] == 1
        assert found['blockstore_volumes{status="available"}'] == 1
        assert found['blockstore_attachments{status="attached"}'] == 1
        assert found["blockstore_instances"] == 1
        assert found["blockstore_target_restarts_total"] == 0
        assert "blockstore_export_faults" in found
        labels = 'listener="operator",method="POST",route="/v3/attachments",status="200"'
        assert found[f"blockstore_http_request_seconds_count{{{labels}}}"] == 1
        assert not [name for name in found if guest.id in name or attachment in name]
        server.end_tgtd()
        until("the death to be counted", lambda: figures(server)["blockstore_target_restarts_total"] == 1)
        until("health", lambda: requests.get(f"{server.operator_url}/healthz", timeout=10).status_code == 200)


def test_logs_as_json_have_the_callers_request_id_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('[log]\nform = "json"\n')
    with LocalServer(tmp_path / "state", options=("--config", str(tmp_path / "server.toml"), "--verbose")) as server:
        scene = Scene(server)
        guest = scene.guest()
        _, attachment = scene.attached(guest)
        login = guest.login(attachment)
        answer = guest.ask("GET", f"attachments/{login.password}", headers={"X-OpenStack-Request-Id": ID})
        assert (answer.status_code, answer.headers["x-openstack-request-id"]) == (404, ID)
        guest.ask("GET", f"{login.password}?token={guest.token}", headers={"X-OpenStack-Request-Id": f"{ID}\tforged"})
        requests.get(f"{server.operator_url}/v3/volumes/{server.token}", headers={"X-Auth-Token": server.token}, timeout=10)
        secrets = (login.password, guest.token, server.token)
    lines = [line for line in server.log.read_text().splitlines() if not line.startswith("ready: ")]
    events = [json.loads(line) for line in lines]
    assert all({"time", "level", "logger", "message"} <= set(event) for event in events)
    (mine,) = [event for event in events if event.get("request_id") == ID and event["message"] == "answered"]
    assert (mine["status"], mine["route"], mine["instance"]) == (404, "/v1/attachments/{id}", guest.id)
    assert "forged" not in "".join(lines)
    for secret in secrets:
        assert secret not in "".join(lines)
