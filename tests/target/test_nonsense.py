"""What makes no sense is told to be that, and leaves nothing behind."""

from __future__ import annotations

import pytest
import requests

from testbed.server import LocalServer
from tests.target.conftest import Scene


def ask(server: LocalServer, method: str, path: str, *, text: str = "", query: dict[str, str] | None = None) -> requests.Response:
    headers = {"X-Auth-Token": server.token, "OpenStack-API-Version": "volume 3.71", "Content-Type": "application/json"}
    return requests.request(
        method, f"{server.operator_url}/v3/{path}", headers=headers, params=query, data=text.encode(), timeout=30
    )


@pytest.mark.parametrize(
    "query", [{"metadata": "{[]: 1}"}, {"metadata": "{1: 'a'}"}, {"metadata": "{"}, {"size": "9" * 20}, {"size": "\u0663"}]
)
def test_a_filter(server: LocalServer, query: dict[str, str]) -> None:
    assert ask(server, "GET", "volumes", query=query).status_code == 400


@pytest.mark.parametrize("key", ['"name": "\\ud800"', '"description": "\\ud800"', '"metadata": {"a": "\\ud800"}'])
def test_half_of_a_surrogate_pair(server: LocalServer, scene: Scene, key: str) -> None:
    volume = scene.volume()
    before = ask(server, "GET", "volumes/summary").json()["volume-summary"]["total_count"]
    assert ask(server, "POST", "volumes", text=f'{{"volume": {{"size": 1, {key}}}}}').status_code == 400
    assert ask(server, "PUT", f"volumes/{volume}", text=f'{{"volume": {{{key}}}}}').status_code == 400
    assert ask(server, "POST", "snapshots", text=f'{{"snapshot": {{"volume_id": "{volume}", {key}}}}}').status_code == 400
    assert ask(server, "GET", "volumes/detail").status_code == 200
    assert ask(server, "GET", "snapshots/detail").status_code == 200
    assert ask(server, "GET", "volumes/summary").json()["volume-summary"]["total_count"] == before
