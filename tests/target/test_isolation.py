"""One instance tries to reach another in every way that the instances' listener has: every route that the application knows, with
every method, with the other's ids, with tricks in headers and paths. It gets nothing, and changes nothing."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.routing import Route

from metadata_server.api import instance
from metadata_server.api.access import Access
from metadata_server.api.proxy import signature
from metadata_server.api.session_token import Tokens
from testbed.server import LocalServer
from tests.target.conftest import Guest, Scene, seen

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND")
VICTIM_AT, ATTACKER_AT = "127.0.0.2", "127.0.0.3"
MARK = "onlyTheVictimsOwn"


def routes() -> list[str]:
    """The table of the application itself: a new route is tried without anybody remembering it."""
    made = instance.application(SimpleNamespace(instances=None), None, Access(tokens=Tokens(b"k")), None)  # type: ignore[arg-type]
    return sorted({route.path for route in made.routes if isinstance(route, Route)})


@dataclass
class Answer:
    status: int
    text: str


class Attacker:
    """Asks from an address of its own, over one connection, with paths as they are written."""

    def __init__(self, server: LocalServer, guest: Guest) -> None:
        self._server, self.guest = server, guest
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, headers: list[tuple[str, str]], body: object = None) -> Answer:
        host, _, port = self._server.addresses.instance.partition(":")
        if self._connection is None:
            self._connection = http.client.HTTPConnection(host, int(port), timeout=30, source_address=(ATTACKER_AT, 0))
        data = b"" if body is None else json.dumps(body).encode()
        try:
            self._connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in [*headers, ("Content-Length", str(len(data)))]:
                self._connection.putheader(name, value)
            self._connection.endheaders(data)
            answer = self._connection.getresponse()
            found = Answer(answer.status, f"{answer.getheaders()}{answer.read().decode(errors='replace')}")
            if answer.will_close:
                self.drop()
            return found
        except (http.client.HTTPException, OSError):  # the server ended it: that tells nothing either
            self.drop()
            return Answer(0, "")

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@dataclass
class Case:
    server: LocalServer
    victim: Guest
    attacker: Attacker
    attachment: str
    own: str
    secrets: tuple[str, ...]
    tag: str
    stolen: str  # a session token of the victim's, which is worth nothing elsewhere

    def state(self) -> dict[str, Any]:
        """All that must not change: what the victim sees, what was reported, what is exported."""
        detail = self.server.client.instance(self.victim.id)
        exported = {iqn: (each.accounts, each.access) for iqn, each in seen(self.server).items() if self.secrets[3] in iqn}
        listed = self.victim.ask("GET", "attachments").text
        return {"detail": detail, "exported": exported, "listed": listed}


def report(guest: Guest, volumes: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": 1, "instance_id": guest.id, "initiator_name": guest.initiator, "started": "2026-01-01T00:00:00+00:00",
        "duration_ms": 1, "volumes": volumes,
    }  # fmt: skip


# As long as the server: no two instances of it have one address.
@pytest.fixture(scope="session")
def case(server: LocalServer) -> Iterator[Case]:
    scene = Scene(server)
    words = {"user_data": f"#cloud-config\n# {MARK}\n", "network_config": f"# {MARK}\nversion: 2\n", "addresses": [VICTIM_AT]}
    made = server.client.post("/instances", {"instance": {"name": "victim", **words}})["instance"]
    victim, other = Guest(server, made), scene.guest()
    server.client.put(f"/instances/{other.id}", {"instance": {"addresses": [ATTACKER_AT]}})
    volume, attachment = scene.attached(victim, mutual=True)
    _, own = scene.attached(other)
    login = victim.login(attachment)
    assert victim.ask("PUT", "report", report(victim, [])).status_code == 204
    tag = victim.ask("GET", "attachments").headers["ETag"]
    stolen = session_token(server, VICTIM_AT)
    secrets = (login.password, login.password_in, login.user, volume, victim.initiator, victim.token, MARK)
    attacker = Attacker(server, other)
    yield Case(server, victim, attacker, attachment, own, secrets, tag, stolen)
    attacker.drop()


def session_token(server: LocalServer, address: str) -> str:
    host, _, port = server.addresses.instance.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30, source_address=(address, 0))
    connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    token = connection.getresponse().read().decode()
    connection.close()
    return token


def tricks(case: Case) -> list[list[tuple[str, str]]]:
    """Headers with which somebody may hope to be somebody else; each alone and beside the attacker's own token."""
    victim = case.victim
    signed = signature(b"", victim.id.encode()).decode()
    nova = [("X-Instance-ID", victim.id), ("X-Tenant-ID", "p"), ("X-Instance-ID-Signature", signed)]
    alone = [
        [],
        nova,
        [*nova, ("X-Metadata-Provider", victim.id), ("X-Metadata-Provider-Signature", signed)],
        [("X-aws-ec2-metadata-token", case.stolen)],
        [("X-aws-ec2-metadata-token", case.stolen), ("X-Forwarded-For", VICTIM_AT)],
        [("X-Forwarded-For", VICTIM_AT), ("Forwarded", f"for={VICTIM_AT}"), ("X-Real-IP", VICTIM_AT), ("Client-IP", VICTIM_AT)],
        [("X-Auth-Token", "x"), ("X-Service-Roles", "service"), ("Cookie", f"instance={victim.id}")],
        [("X-Original-URL", f"/v1/attachments/{case.attachment}"), ("X-HTTP-Method-Override", "PUT"), ("Host", victim.id)],
        [("Authorization", "Bearer "), ("X-Instance-ID", victim.id)],
        [("Authorization", f"Bearer {victim.id}"), ("Authorization", f"Bearer {case.attacker.guest.token}")],
    ]
    mine = ("Authorization", f"Bearer {case.attacker.guest.token}")
    return [*alone, *([mine, *each] for each in alone), [mine, ("If-None-Match", case.tag)]]


def bodies(case: Case) -> list[object]:
    thief = {"initiator": case.attacker.guest.initiator, "ip": ATTACKER_AT, "host": "x", "multipath": False}
    written = {"id": case.secrets[3], "name": "x", "result": "ok", "changed": True, "reason": None, "device": "/dev/sda",
               "serial": case.secrets[3], "filesystems": [], "steps": []}  # fmt: skip
    return [{"attachment": {"connector": thief}, "os-complete": {}}, {"os-complete": {}}, {"attachment": {"connector": thief}},
            report(case.victim, [written])]  # fmt: skip


def leaked(case: Case, answer: Answer) -> list[str]:
    return [secret for secret in case.secrets if secret in answer.text]


def test_the_table_of_routes_is_not_empty() -> None:
    assert {"/v1/attachments", "/v1/attachments/{id}", "/v1/report", "/v1/user-data", "/latest/api/token"} <= set(routes())


@pytest.mark.parametrize("path", routes())
def test_nothing_is_reached_and_nothing_changes(case: Case, path: str) -> None:
    before = case.state()
    ids = (case.attachment, case.victim.id, case.secrets[3], "*", "..") if "{id}" in path else ("",)
    tried = 0
    for identifier, method, headers in itertools.product(ids, METHODS, tricks(case)):
        real = path.replace("{id}", identifier)
        some = bodies(case) if method in ("PUT", "POST") else [None]
        for body in some if headers and headers[0][0] == "Authorization" else some[:1]:
            answer = case.attacker.ask(method, real, headers, body)
            tried += 1
            # An id that was sent may come back in the words of a 404.
            found = [each for each in leaked(case, answer) if each not in real and each not in json.dumps(body)]
            assert not found, (method, real, headers, answer)
            if case.attachment in real:
                assert answer.status not in range(200, 300), (method, real, headers, answer)
    assert tried >= len(METHODS) * len(tricks(case))
    assert case.state() == before


def test_paths_that_are_written_oddly_lead_nowhere_else(case: Case) -> None:
    before = case.state()
    a, b = case.attachment, case.own
    odd = [
        f"/v1/attachments/{b}/../{a}", f"/v1/attachments/{b}/%2e%2e/{a}", f"/v1/attachments/{b}%2f..%2f{a}",
        f"/v1/attachments/{b}%2f%2e%2e%2f{a}", f"//v1//attachments//{a}", f"/V1/ATTACHMENTS/{a.upper()}", f"/v1/attachments/{a}/",
        f"/v1/attachments/{a};x", f"/v1/attachments/{a}%00", f"/v1/attachments/{b}%00{a}", f"/v1/attachments/{b}?id={a}",
        f"/v1/attachments?instance_id={case.victim.id}&id={a}", f"/v1/attachments/{a}%0d%0aX-Instance-ID:%20{case.victim.id}",
        f"/v1/./attachments/{a}", f"/v1/%61ttachments/{a}", "/v1/attachments/%2a", f"/v1/attachments/{a}%20",
        f"/v1/user-data?instance={case.victim.id}", f"/v1/{case.victim.id}/user-data", f"/v1/user-data/{case.victim.id}",
        f"/instances/{case.victim.id}", "/v3/attachments/detail", "/v3/volumes/detail", "/metrics", "/openapi.json", "/status",
        f"http://{case.victim.id}/v1/user-data", "*", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
        f"/v1/attachments/{a}' OR '1'='1".replace(" ", "%20"), "/v1/attachments/%25", "/v1/attachments/" + "a" * 3000,
    ]  # fmt: skip
    mine = ("Authorization", f"Bearer {case.attacker.guest.token}")
    for path, method in itertools.product(odd, METHODS):
        for headers in ([mine], [mine, ("X-Instance-ID", case.victim.id)], []):
            # Its own attachment it may connect and delete: not under a name of the other's.
            if method == "DELETE" and path.startswith(f"/v1/attachments/{b}?"):
                continue
            answer = case.attacker.ask(method, path, headers, bodies(case)[0] if method in ("PUT", "POST") else None)
            found = [each for each in leaked(case, answer) if each not in path]
            assert not found, (method, path, headers, answer)
            assert answer.status < 500, (method, path, answer)
    assert case.state() == before


def test_a_list_holds_ones_own_and_a_wait_is_not_woken_by_another(case: Case) -> None:
    attacker = case.attacker.guest
    first = attacker.ask("GET", "attachments")
    assert [each["id"] for each in first.json()["attachments"]] == [case.own]
    assert attacker.ask("GET", "attachments", headers={"If-None-Match": case.tag}).status_code == 200
    began = time.monotonic()
    volume = Scene(case.server).volume()
    import threading

    timer = threading.Timer(0.5, case.server.attach, (volume, case.victim.id))
    timer.start()
    headers = {"If-None-Match": first.headers["ETag"]}
    assert attacker.ask("GET", "attachments", params={"wait": 3}, headers=headers).status_code == 304
    timer.join()
    assert time.monotonic() - began > 2.9


def test_a_report_of_anothers_volume_tells_nothing_of_it(case: Case) -> None:
    guest, volume = case.attacker.guest, case.secrets[3]
    filesystem = {"device": "/dev/sda1", "type": "ext4", "uuid": "0" * 8, "label": "x", "mount": "/x"}
    entry = {"id": volume, "name": "x", "result": "ok", "changed": True, "reason": None, "device": "/dev/sda", "serial": volume,
             "filesystems": [filesystem], "steps": []}  # fmt: skip
    before = case.state()
    assert guest.ask("PUT", "report", report(guest, [entry])).status_code == 204
    assert guest.ask("PUT", "report", report(case.victim, [entry])).status_code == 400
    assert case.state() == before
    assert case.server.client.volume(volume)["blockstore:blank"] is True


def test_the_operators_listener_knows_no_instance(case: Case) -> None:
    host, _, port = case.server.addresses.operator.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    for path in (
        "/instances",
        f"/instances/{case.victim.id}",
        "/v3/attachments/detail",
        "/v3/volumes/detail",
        "/openapi.json",
        "/status",
    ):
        for headers in (
            {"Authorization": f"Bearer {case.attacker.guest.token}"},
            {"X-Auth-Token": case.attacker.guest.token},
            {},
        ):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 401, (path, headers)
    connection.close()
