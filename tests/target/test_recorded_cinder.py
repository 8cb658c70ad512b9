"""What a real Cinder answered, request by request; ours answers the same keys with the same types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from testbed.server import LocalServer

FILE = Path(__file__).parents[1] / "contract/documents/cinder/attachment-flow.json"
RECORDED: list[dict[str, Any]] = json.loads(FILE.read_text())

# Where ours differs knowingly (docs/protocol.md): who looks sees no secret; a second reservation is 409 and says who; without a
# microversion there is 404 as there, and a missing token is 401, as under Keystone.
SECRETS = {"auth_password"}
STATUS = {("POST /v3/attachments", 400): 409}
NOT_ASKED = {("GET /v3/attachments", 204), ("GET /v3/attachments", 404)}
# Cinder says it otherwise in its first answer and in later ones: there is no value yet.
NULLS = {"updated_at", "service_uuid", "migration_status", "replication_status"}


def differences(theirs: Any, ours: Any, path: str, *, looks: bool) -> list[str]:
    """Keys that ours lacks, and values of another type."""
    if isinstance(theirs, Mapping):
        if not isinstance(ours, Mapping):
            return [f"{path}: a mapping there"]
        wanted = [key for key in theirs if not (looks and key in SECRETS)]
        missing = [f"{path}.{key}: missing" for key in wanted if key not in ours]
        inner = (differences(theirs[key], ours[key], f"{path}.{key}", looks=looks) for key in wanted if key in ours)
        return [*missing, *(each for found in inner for each in found)]
    if isinstance(theirs, list):
        same = isinstance(ours, list) and len(ours) == len(theirs)
        if not same:
            return [f"{path}: {len(theirs)} there, here {ours!r}"]
        return [each for a, b in zip(theirs, ours) for each in differences(a, b, f"{path}[]", looks=looks)]
    if theirs is None or (ours is None and path.rpartition(".")[2] in NULLS):
        return []
    return [] if type(theirs) is type(ours) else [f"{path}: {type(theirs).__name__} there, {type(ours).__name__} here"]


class Replay:
    """The recorded conversation with ids of ours in the place of theirs."""

    def __init__(self, server: LocalServer) -> None:
        self._server, self._ids = server, dict[str, str]()

    def ask(self, recorded: Mapping[str, Any]) -> requests.Response:
        text = json.dumps([recorded["request"], recorded["body"]])
        for theirs, ours in self._ids.items():
            text = text.replace(theirs, ours)
        request, body = json.loads(text.replace("__DEFAULT__", "sparse"))
        method, path = request.split()
        headers = {"X-Auth-Token": self._server.token, "OpenStack-API-Version": "volume 3.71"}
        answer = requests.request(method, self._server.operator_url + path, json=body, headers=headers, timeout=30)
        for key in ("volume", "attachment"):
            theirs = (recorded["answer"] or {}).get(key)
            if method == "POST" and theirs and answer.ok:
                self._ids[theirs["id"]] = answer.json()[key]["id"]
        return answer


def test_every_recorded_answer(server: LocalServer) -> None:
    replay, compared = Replay(server), 0
    for recorded in RECORDED:
        request, status = recorded["request"], recorded["status"]
        if (request, status) in NOT_ASKED:
            continue
        answer = replay.ask(recorded)
        assert answer.status_code == STATUS.get((request, status), status), f"{request}: {answer.text}"
        assert answer.headers["OpenStack-API-Version"] == "volume 3.71"
        theirs = recorded["answer"]
        if request == "GET /v3/attachments":
            continue  # the list of a server that others use as well; its entries are those of …/detail
        if theirs is None:
            assert not answer.content
        elif answer.ok:
            compared += 1
            assert differences(theirs, answer.json(), request, looks=request.startswith("GET")) == []
        else:
            [(word, fault)] = answer.json().items()
            assert set(fault) == {"code", "message"}
            assert fault["code"] == answer.status_code
            assert word in (*theirs, "conflictingRequest")
    assert compared >= 7


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        ({"a": 1}, {}, ["x.a: missing"]),
        ({"a": 1}, {"a": "1"}, ["x.a: int there, str here"]),
        ([1, 2], [1], ["x: 2 there, here [1]"]),
        ({"updated_at": "t", "a": None}, {"updated_at": None, "a": 3}, []),
    ],
)
def test_a_difference_is_found(theirs: Any, ours: Any, said: list[str]) -> None:
    assert differences(theirs, ours, "x", looks=False) == said
