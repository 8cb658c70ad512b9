"""Two servers of one folder and one PostgreSQL before one real Cinder: whichever is asked, it is one service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from testbed.cinder import LocalCinder
from testbed.postgresql import LocalPostgresql
from testbed.server import LocalServer
from tests.cinder.conftest import PassingGuest, Scene, write_configuration
from tests.databases import migrated, postgresql
from tests.target import initiator
from tests.target.conftest import until
from tests.target.peers import PeerServer

__all__ = ["migrated", "postgresql"]


@pytest.fixture(scope="module")
def two(
    cinder: LocalCinder, tmp_path_factory: pytest.TempPathFactory, postgresql: LocalPostgresql, migrated: str
) -> Iterator[list[PeerServer]]:
    folder = tmp_path_factory.mktemp("several")
    options, database = write_configuration(folder, cinder.url), postgresql.database(template=migrated)
    servers = [PeerServer(folder / "state", number, postgresql, database, options) for number in range(2)]
    with ThreadPoolExecutor(2) as pool:  # at once: nobody has made the folder or the token before
        list(pool.map(LocalServer.start, servers))
    yield servers
    for server in servers:
        server.stop()


def at(server: PeerServer, guest: PassingGuest) -> PassingGuest:
    """The same instance, asking another server."""
    return PassingGuest(server, guest.cinder, {"id": guest.id, "initiator_name": guest.initiator, "token": guest.token})


def reserve(server: PeerServer, volume: str, instance: str) -> requests.Response:
    headers = {"X-Auth-Token": server.token, "OpenStack-API-Version": "volume 3.54"}
    body = {"attachment": {"volume_uuid": volume, "instance_uuid": instance}}
    return requests.post(f"{server.operator_url}/v3/attachments", headers=headers, json=body, timeout=60)


def leader(servers: list[PeerServer]) -> PeerServer:
    operator = LocalServer.addresses.fget(servers[0]).operator  # type: ignore[attr-defined]
    return next(server for server in servers if server.addresses.operator == operator)


def test_a_life_of_an_attachment_at_both_in_turn(two: list[PeerServer], cinder: LocalCinder) -> None:
    first, second = two
    scene = Scene(first, cinder)
    guest, volume = scene.guest(), scene.foreign()
    heard: dict[str, Any] = {}
    seen = at(second, guest).ask("GET", "attachments")

    def wait() -> None:
        words = {"If-None-Match": seen.headers["ETag"]}
        heard.update(at(second, guest).ask("GET", "attachments?wait=20", headers=words).json())

    waiting = threading.Thread(target=wait)
    waiting.start()
    attachment = reserve(first, volume, guest.id).json()["attachment"]["id"]
    waiting.join(40)
    assert [each["id"] for each in heard["attachments"]] == [attachment]
    login = at(second, guest).login(attachment)
    assert at(first, guest).login(attachment) == login
    assert initiator.inquiry(login).ok
    at(first, guest).complete(attachment)
    at(second, guest).complete(attachment)
    assert scene.status(volume) == "in-use"
    assert at(second, guest).ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert at(first, guest).listed() == []
    assert scene.status(volume) == "available"


def test_of_those_who_reserve_at_both_at_once_one_gets_it(two: list[PeerServer], cinder: LocalCinder) -> None:
    scene = Scene(two[0], cinder)
    volume, guests = scene.foreign(), [scene.guest() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda number: reserve(two[number % 2], volume, guests[number].id), range(6)))
    codes = sorted(each.status_code for each in answers)
    assert codes[0] == 200
    assert set(codes[1:]) <= {400, 409}
    assert scene.status(volume) == "reserved"


def test_one_that_is_killed_leaves_all_to_the_other_one(two: list[PeerServer], cinder: LocalCinder) -> None:
    first = leader(two)
    [second] = [each for each in two if each is not first]
    scene = Scene(first, cinder)
    guest, volume = scene.guest(), scene.foreign()
    attachment = reserve(first, volume, guest.id).json()["attachment"]["id"]
    first.kill()
    until("the other one to lead", lambda: LocalServer.addresses.fget(second).operator == second.addresses.operator)  # type: ignore[attr-defined]
    assert initiator.inquiry(at(second, guest).login(attachment)).ok
    assert at(second, guest).ask("DELETE", f"attachments/{attachment}").status_code == 200
    first.start()
    assert at(first, guest).listed() == []
