"""Every feature appears at its microversion, as Cinder's "REST API Version History" has it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from testbed.server import LocalServer
from tests.target.conftest import Scene


def ask(server: LocalServer, version: str, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"X-Auth-Token": server.token, **({"OpenStack-API-Version": version} if version else {})}
    return requests.request(method, f"{server.operator_url}/v3/{path}", headers=headers, json=body, timeout=30)


@pytest.mark.parametrize(
    ("path", "since"),
    [("volumes/summary", 12), ("attachments", 27), ("attachments/detail", 27), ("resource_filters", 33)],
)
def test_a_call_that_came_later_is_not_there(server: LocalServer, path: str, since: int) -> None:
    assert ask(server, f"volume 3.{since - 1}", "GET", path).status_code == 404
    assert ask(server, f"volume 3.{since}", "GET", path).status_code == 200


@pytest.mark.parametrize(
    ("key", "since"),
    [
        ("group_id", 13), ("provider_id", 21), ("shared_targets", 48), ("service_uuid", 48), ("cluster_name", 61),
        ("volume_type_id", 63), ("consumes_quota", 65),
    ],
)  # fmt: skip
def test_a_key_of_a_volume_that_came_later_is_not_there(scene: Scene, key: str, since: int) -> None:
    path = f"volumes/{scene.volume()}"
    assert key not in ask(scene.server, f"volume 3.{since - 1}", "GET", path).json()["volume"]
    assert key in ask(scene.server, f"volume 3.{since}", "GET", path).json()["volume"]


@pytest.mark.parametrize(("key", "since"), [("group_snapshot_id", 14), ("user_id", 41), ("consumes_quota", 65)])
def test_a_key_of_a_snapshot_that_came_later_is_not_there(scene: Scene, key: str, since: int) -> None:
    taken = ask(scene.server, "volume 3.71", "POST", "snapshots", {"snapshot": {"volume_id": scene.volume()}}).json()
    path = f"snapshots/{taken['snapshot']['id']}"
    assert key not in ask(scene.server, f"volume 3.{since - 1}", "GET", path).json()["snapshot"]
    assert key in ask(scene.server, f"volume 3.{since}", "GET", path).json()["snapshot"]


def test_actions_that_came_later(scene: Scene) -> None:
    server, guest = scene.server, scene.guest()
    volume, _ = scene.attached(guest)
    free = scene.volume()
    taken = ask(server, "volume 3.71", "POST", "snapshots", {"snapshot": {"volume_id": free}}).json()["snapshot"]["id"]

    def act(version: str, identifier: str, name: str, argument: dict[str, Any]) -> int:
        return ask(server, version, "POST", f"volumes/{identifier}/action", {name: argument}).status_code

    assert act("volume 3.39", free, "revert", {"snapshot_id": taken}) == 404
    assert act("volume 3.40", free, "revert", {"snapshot_id": taken}) == 202
    assert act("volume 3.41", volume, "os-extend", {"new_size": 2}) == 400
    assert act("volume 3.42", volume, "os-extend", {"new_size": 2}) == 202
    assert act("volume 3.71", free, "os-migrate_volume", {"host": "x"}) == 400


def test_lists_that_came_later(server: LocalServer) -> None:
    assert "count" not in ask(server, "volume 3.44", "GET", "volumes?with_count=true").json()
    assert "count" in ask(server, "volume 3.45", "GET", "volumes?with_count=true").json()
    assert ask(server, "volume 3.30", "GET", "volumes?nonsense=1").status_code == 200
    refused = ask(server, "volume 3.31", "GET", "volumes?nonsense=1")
    assert (refused.status_code, "nonsense" in refused.json()["badRequest"]["message"]) == (400, True)
    assert ask(server, "volume 3.71", "GET", "volumes?all_tenants=1&project_id=x").status_code == 200
    for wrong in ("limit=-1", "limit=x", "offset=-2", "sort=nonsense", "sort=name:up", "metadata=1", "size=x"):
        assert ask(server, "volume 3.71", "GET", f"volumes?{wrong}").status_code == 400, wrong
    assert ask(server, "volume 3.71", "GET", "volumes?marker=nobody").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("", 200, "volume 3.0"),
        ("volume 3.70", 200, "volume 3.70"),
        ("compute 2.1, volume 3.5", 200, "volume 3.5"),
        ("volume latest", 200, "volume 3.71"),
        ("volume 3.72", 406, None),
        ("volume 2.0", 406, None),
        ("volume x", 400, None),
    ],
)
def test_what_is_agreed_is_said(server: LocalServer, asked: str, status: int, told: str | None) -> None:
    answer = ask(server, asked, "GET", "volumes")
    assert answer.status_code == status
    assert answer.headers.get("OpenStack-API-Version") == told
    if status == 200:  # in a refusal, too, and where nothing is answered
        assert ask(server, asked, "GET", "volumes/nobody").headers["OpenStack-API-Version"] == told
        assert answer.headers["Vary"] == "OpenStack-API-Version"
