"""Session tokens as of IMDSv2, with the real server: what one is good for, how far the answer gets, the guest's client."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from blockstore.errors import ServiceDenied
from blockstore.waiting import Deadline
from cc_blockstore.client import MetadataClient
from testbed.server import LocalServer

TTL, TOKEN = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
# ip(7): packets with a smaller time to live are dropped when they arrive.
IP_MINTTL = getattr(socket, "IP_MINTTL", 21)
HERE, THERE = "127.0.0.1", "127.0.0.2"


class From(requests.adapters.HTTPAdapter):
    """Requests that come from this address, and take no packet whose time to live is less than ``least``."""

    def __init__(self, address: str, least: int = 1) -> None:
        self._options = {
            "source_address": (address, 0),
            "socket_options": [(socket.IPPROTO_IP, IP_MINTTL, struct.pack("i", least))],
        }
        super().__init__()

    def init_poolmanager(self, *arguments: object, **words: object) -> None:
        super().init_poolmanager(*arguments, **words, **self._options)  # type: ignore[arg-type]


def at(address: str, least: int = 1) -> requests.Session:
    session = requests.Session()
    session.mount("http://", From(address, least))
    return session


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("session") / "state") as server:
        server.cli("instance", "create", "here", "--address", HERE)
        server.cli("instance", "create", "there", "--address", THERE)
        yield server


def token(server: LocalServer, address: str, seconds: str = "60", **headers: str) -> requests.Response:
    return at(address).put(f"{server.instance_url}/latest/api/token", headers={TTL: seconds, **headers}, timeout=10)


def name(server: LocalServer, address: str, text: str) -> tuple[int, str]:
    answer = at(address).get(f"{server.instance_url}/v1/meta-data", headers={TOKEN: text}, timeout=10)
    return answer.status_code, answer.text


def test_a_token_is_given_to_a_registered_address_and_counts_from_there_alone(running: LocalServer) -> None:
    given = token(running, HERE)
    assert (given.status_code, given.headers[TTL], given.headers["Cache-Control"]) == (200, "60", "no-store")
    status, text = name(running, HERE, given.text)
    assert status == 200
    assert 'local-hostname: "here"' in text
    assert name(running, THERE, given.text)[0] == 401
    assert token(running, "127.0.0.3").status_code == 401
    assert requests.get(f"{running.instance_url}/v1/meta-data", timeout=10).status_code == 401


@pytest.mark.parametrize("seconds", ["0", "21601", "-1", "x", ""])
def test_its_life_has_bounds(running: LocalServer, seconds: str) -> None:
    assert token(running, HERE, seconds).status_code == 400


def test_it_ends(running: LocalServer) -> None:
    given = token(running, HERE, "1").text
    answers = []
    deadline = Deadline.after(10)
    while not deadline.passed() and (answers[-1:] or [200]) == [200]:
        answers.append(name(running, HERE, given)[0])
    assert answers[-1] == 401


def test_a_restart_does_not_end_it_nor_does_anything_rest_of_it(running: LocalServer) -> None:
    given = token(running, HERE).text
    running.stop()
    running.start()
    assert name(running, HERE, given)[0] == 200
    for file in running.state.rglob("*"):
        if file.is_file():
            assert given.encode() not in file.read_bytes()


def test_through_an_open_proxy_there_is_none(running: LocalServer) -> None:
    for header in ("X-Forwarded-For", "Forwarded"):
        assert token(running, HERE, **{header: HERE}).status_code == 403


def test_the_answer_with_the_token_gets_one_hop_far_and_no_other_answer_is_held_back(running: LocalServer) -> None:
    url = f"{running.instance_url}/latest/api/token"
    assert at(HERE, least=1).put(url, headers={TTL: "60"}, timeout=10).status_code == 200
    with pytest.raises(requests.ReadTimeout):
        at(HERE, least=2).put(url, headers={TTL: "60"}, timeout=2)
    assert at(HERE, least=2).get(f"{running.instance_url}/healthz", timeout=10).status_code == 200


def test_the_hops_are_configured_and_tokens_can_be_switched_off(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("[instance.session_tokens]\nhops = 3\n")
    with LocalServer(tmp_path / "state", options=("--config", str(file))) as server:
        server.cli("instance", "create", "here", "--address", HERE)
        url = f"{server.instance_url}/latest/api/token"
        given = at(HERE, least=3).put(url, headers={TTL: "60"}, timeout=10).text
        with pytest.raises(requests.ReadTimeout):
            at(HERE, least=4).put(url, headers={TTL: "60"}, timeout=2)
        file.write_text("[instance.session_tokens]\nenabled = false\n")
        server.stop()
        server.start()
        assert token(server, HERE).status_code == 403
        assert name(server, HERE, given)[0] == 401


def test_the_guest_gets_one_by_itself_and_another_when_that_ends(running: LocalServer) -> None:
    client = MetadataClient(running.instance_url, None)
    assert b'local-hostname: "here"' in client.document("meta-data", Deadline.after(10))
    running.client.put(f"/instances/{running.client.instance('here')['id']}", {"instance": {"addresses": []}})
    with pytest.raises(ServiceDenied) as raised:
        client.document("meta-data", Deadline.after(10))
    assert raised.value.status == 401
    # Another instance has the address now: the old token is not its.
    running.cli("instance", "create", "heir", "--address", HERE)
    assert b'local-hostname: "heir"' in client.document("meta-data", Deadline.after(10))
    running.cli("instance", "set", "heir")
    running.cli("instance", "set", "here", "--address", HERE)
    assert b'local-hostname: "here"' in client.document("meta-data", Deadline.after(10))


def test_an_address_is_one_instances(running: LocalServer) -> None:
    words = {"instance": {"name": "thief", "addresses": [f"::ffff:{THERE}"]}}
    answer = requests.post(f"{running.operator_url}/instances", json=words, headers={"X-Auth-Token": running.token}, timeout=10)
    assert answer.status_code == 409
    for wrong in ("0.0.0.0", "169.254.1.1", "fe80::1", "224.0.0.1", "10.0.0.0/8", "x"):
        words["instance"]["addresses"] = [wrong]
        answer = requests.post(
            f"{running.operator_url}/instances", json=words, headers={"X-Auth-Token": running.token}, timeout=10
        )
        assert answer.status_code == 400
