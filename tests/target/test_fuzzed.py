"""schemathesis over both OpenAPI documents: whatever is sent, right or wrong, no answer is a fault of ours (5xx).

Seeded, and few examples; `make fuzz` (BLOCKSTORE_EXAMPLES) tries more, with another seed each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from starlette.routing import Route

from metadata_server.api import instance
from metadata_server.api.access import Access
from metadata_server.api.instance_openapi import document
from metadata_server.api.session_token import Tokens
from testbed.server import LocalServer
from tests.target.conftest import Guest, Scene

EXAMPLES = int(os.environ.get("BLOCKSTORE_EXAMPLES", "8"))
MANY = EXAMPLES > 8
SETTINGS = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=not MANY, print_blob=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
)  # fmt: skip


def test_the_document_has_every_route_of_the_listener_and_no_other() -> None:
    made = instance.application(SimpleNamespace(instances=None), None, Access(tokens=Tokens(b"k")), None)  # type: ignore[arg-type]
    routes = {(route.path, method.lower()) for route in made.routes if isinstance(route, Route) for method in route.methods or ()}
    described = {(path, method) for path, calls in document()["paths"].items() for method in calls}  # type: ignore[attr-defined]
    assert described == {each for each in routes if each[1] != "head"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A server of its own: what is made here by chance disturbs nobody."""
    with LocalServer(tmp_path_factory.mktemp("fuzz") / "state", advertised_host="127.0.0.1") as server:
        yield server


def tried(schema: object, url: str, headers: dict[str, str], values: dict[str, list[str]]) -> int:
    """Call every operation with generated cases; ids are real ones now and then. Gives how many calls were made."""
    calls = 0
    for result in schema.get_all_operations():  # type: ignore[attr-defined]
        operation = result.ok()

        @SETTINGS
        @given(case=operation.as_strategy())
        def call(case: schemathesis.Case) -> None:
            nonlocal calls
            calls += 1
            for name in case.path_parameters:
                if known := values.get(name):
                    case.path_parameters[name] = known[calls % len(known)] if calls % 3 else case.path_parameters[name]
            if "wait" in (case.query or {}):
                case.query["wait"] = 0
            try:
                answer = case.call(base_url=url, headers=headers, timeout=30)
            except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
                return  # the client itself refuses to send it
            case.validate_response(answer, checks=[not_a_server_error])

        call()
    return calls


@pytest.mark.filterwarnings("ignore")
def test_the_instances_listener(running: LocalServer) -> None:
    scene = Scene(running)
    guest = scene.guest()
    attachments = [scene.attached(guest)[1] for _ in range(3)]
    schema = schemathesis.openapi.from_dict(document())
    headers = {"Authorization": f"Bearer {guest.token}"}
    assert tried(schema, running.instance_url, headers, {"id": attachments}) >= 12 * EXAMPLES / 2
    assert requests.get(f"{running.instance_url}/healthz", timeout=10).status_code == 200


@pytest.mark.filterwarnings("ignore")
def test_the_operators_listener(running: LocalServer) -> None:
    scene = Scene(running)
    guest: Guest = scene.guest()
    volumes = [scene.attached(guest)[0], scene.volume()]
    headers = {"X-Auth-Token": running.token, "OpenStack-API-Version": "volume 3.71"}
    described = requests.get(f"{running.operator_url}/openapi.json", headers=headers, timeout=60).json()
    # With and without a project in the path it is the same: once is enough for the short run.
    if not MANY:
        described["paths"] = {path: calls for path, calls in described["paths"].items() if "{project}" not in path}
    schema = schemathesis.openapi.from_dict(described)
    calls = tried(schema, running.operator_url, headers, {"identifier": [*volumes, guest.id], "id": volumes, "project": ["p"]})
    assert calls >= len(described["paths"])
    assert requests.get(f"{running.operator_url}/healthz", timeout=10).status_code == 200
