"""Three servers of one folder and one PostgreSQL: whichever is asked, it is one service; and any of them may die."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from testbed.postgresql import LocalPostgresql
from testbed.server import LocalServer
from tests.target.conftest import Guest, seen, until
from tests.target.initiator import inquiry
from tests.target.peers import PeerServer

# Of a server that leads, after which it is replaced.
LEASE_SECONDS = 6
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, postgresql: LocalPostgresql, migrated: str) -> Iterator[list[PeerServer]]:
    state = tmp_path_factory.mktemp("several") / "state"
    database = postgresql.database(template=migrated)
    file = state.with_suffix(".toml")
    file.write_text(f"[database]\nlease = {LEASE_SECONDS}\n")
    servers = [PeerServer(state, number, postgresql, database, ("--config", str(file))) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:  # all at once: nobody has made the folder, the tables or the daemon before
        list(pool.map(LocalServer.start, servers))
    yield servers
    for server in servers:
        server.stop()


class LonelyServer(LocalServer):
    """With SQLite, whatever the others have."""

    databases = staticmethod(lambda _state: {})


def leader(servers: list[PeerServer]) -> PeerServer:
    """The one that the folder's file names."""
    operator = LocalServer.addresses.fget(servers[0]).operator  # type: ignore[attr-defined]
    return next(server for server in servers if server.addresses.operator == operator)


def ask(server: LocalServer, method: str, path: str, body: object = None) -> requests.Response:
    headers = {"X-Auth-Token": server.token, "OpenStack-API-Version": "volume 3.54"}
    return requests.request(method, f"{server.operator_url}{path}", headers=headers, json=body, timeout=30)


def volume(server: LocalServer) -> str:
    made = ask(server, "POST", "/v3/volumes", {"volume": {"name": f"data-{next(numbers)}", "size": 1}})
    identifier = str(made.json()["volume"]["id"])
    until("the volume", lambda: ask(server, "GET", f"/v3/volumes/{identifier}").json()["volume"]["status"] == "available")
    return identifier


def guest(server: LocalServer) -> Guest:
    body = {"instance": {"name": f"web-{next(numbers)}"}}
    return Guest(server, ask(server, "POST", "/instances", body).json()["instance"])


def at(server: LocalServer, one: Guest) -> Guest:
    """The same instance, asking another server."""
    return Guest(server, {"id": one.id, "initiator_name": one.initiator, "token": one.token})


def reserve(server: LocalServer, volume_id: str, instance: str) -> requests.Response:
    return ask(server, "POST", "/v3/attachments", {"attachment": {"volume_uuid": volume_id, "instance_uuid": instance}})


def test_of_many_who_reserve_one_volume_at_all_servers_one_gets_it(three: list[PeerServer]) -> None:
    for _ in range(5):
        wanted = volume(three[0])
        starting = threading.Barrier(12)

        def go(number: int, wanted: str = wanted, starting: threading.Barrier = starting) -> int:
            starting.wait()
            return reserve(three[number % 3], wanted, f"instance-{number}").status_code

        with ThreadPoolExecutor(12) as pool:
            codes = sorted(pool.map(go, range(12)))
        assert codes == [200] + [409] * 11
        shown = [ask(server, "GET", f"/v3/attachments?volume_id={wanted}").json()["attachments"] for server in three]
        assert len(shown[0]) == 1
        assert shown[0] == shown[1] == shown[2]


def test_connect_at_one_complete_at_the_second_detach_at_the_third(three: list[PeerServer]) -> None:
    one = guest(three[0])
    attachment = reserve(three[1], volume(three[0]), one.id).json()["attachment"]["id"]
    login = at(three[0], one).login(attachment)
    assert inquiry(login).ok
    assert at(three[2], one).login(attachment) == login
    at(three[1], one).complete(attachment)
    assert ask(three[2], "GET", f"/v3/attachments/{attachment}").json()["attachment"]["status"] == "attached"
    assert at(three[2], one).ask("DELETE", f"attachments/{attachment}").status_code == 200
    assert not inquiry(login).ok
    assert ask(three[0], "GET", f"/v3/attachments/{attachment}").status_code == 404


def test_many_connects_at_all_servers_are_one_export_each_and_one_secret(three: list[PeerServer]) -> None:
    one = guest(three[0])
    wanted = [volume(three[number % 3]) for number in range(6)]
    attachments = [reserve(three[0], each, one.id).json()["attachment"]["id"] for each in wanted]
    with ThreadPoolExecutor(9) as pool:
        pairs = [(server, each) for each in attachments for server in three]
        answers = list(pool.map(lambda pair: (pair[1], at(pair[0], one).connect(pair[1])), pairs))
    # Who came second at the very same moment is told so, and asks again.
    assert {answer.status_code for _, answer in answers} <= {200, 409}
    for attachment in attachments:
        handed = {at(server, one).connect(attachment).text for server in three}
        assert len(handed) == 1
        earlier = {answer.text for which, answer in answers if which == attachment and answer.status_code == 200}
        assert earlier <= handed
        login = at(three[0], one).login(attachment)
        assert inquiry(login).ok
    there = seen(three[0])
    assert sum(iqn.removeprefix("iqn.2010-10.org.openstack:volume-") in wanted for iqn in there) == 6
    assert len({target.key for target in there.values()}) == len(there)
    for attachment, server in zip(attachments, itertools.cycle(three)):
        assert ask(server, "DELETE", f"/v3/attachments/{attachment}").status_code == 200


def test_one_who_waits_at_one_server_is_woken_by_a_change_at_another(three: list[PeerServer]) -> None:
    one = guest(three[0])
    first = at(three[1], one).ask("GET", "attachments")
    heard: dict[str, Any] = {}

    def wait() -> None:
        began = time.monotonic()
        answer = at(three[1], one).ask("GET", "attachments?wait=20", headers={"If-None-Match": first.headers["ETag"]})
        heard.update(seconds=time.monotonic() - began, listed=answer.json()["attachments"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)
    made = reserve(three[2], volume(three[0]), one.id).json()["attachment"]["id"]
    waiting.join(30)
    assert [each["id"] for each in heard["listed"]] == [made]
    assert heard["seconds"] < 10


def test_the_one_that_leads_is_killed_and_another_takes_over(three: list[PeerServer]) -> None:
    first = leader(three)
    others = [server for server in three if server is not first]
    one = guest(first)
    attachment = reserve(first, volume(first), one.id).json()["attachment"]["id"]
    login = at(first, one).login(attachment)
    daemon = first.tgtd_pid
    first.kill()
    assert inquiry(login).ok
    until("another one to lead", lambda: leader_is_one_of(three, others))
    assert inquiry(login).ok
    assert first.tgtd_pid == daemon
    for server in others:
        new = reserve(server, volume(server), one.id).json()["attachment"]["id"]
        assert inquiry(at(server, one).login(new)).ok
        assert ask(server, "GET", "/healthz").status_code == 200
    second = leader(three)
    third = next(server for server in others if server is not second)
    # The new one keeps the daemon: it dies, and is there again with all exports.
    second.end_tgtd()
    until("the daemon again", lambda: third.tgtd_pid != daemon and inquiry(at(third, one).login(attachment)).ok)
    # Who left comes back as one who follows.
    first.start()
    assert leader(three) is second
    assert inquiry(at(first, one).login(attachment)).ok


def leader_is_one_of(servers: list[PeerServer], those: list[PeerServer]) -> bool:
    try:
        return leader(servers) in those
    except StopIteration:
        return False


def test_one_that_leads_and_freezes_is_replaced_and_does_no_harm_when_it_wakes_up(three: list[PeerServer]) -> None:
    first = leader(three)
    others = [server for server in three if server is not first]
    one = guest(first)
    attachment = reserve(first, volume(first), one.id).json()["attachment"]["id"]
    login = at(first, one).login(attachment)
    daemon = first.tgtd_pid
    os.kill(first.pid, signal.SIGSTOP)
    try:
        until("another one to lead", lambda: leader_is_one_of(three, others))
        second = leader(three)
        # The new one keeps the daemon. The frozen one is yet to hear of its death.
        second.end_tgtd()
        until("the daemon again", lambda: second.tgtd_pid != daemon and inquiry(login).ok)
        daemon = second.tgtd_pid
    finally:
        os.kill(first.pid, signal.SIGCONT)
    until("the first one to follow", lambda: "another server leads by now" in first.log.read_text())
    assert leader(three) is second
    assert (second.tgtd_pid, inquiry(login).ok) == (daemon, True)
    assert ask(first, "GET", "/healthz").status_code == 200
    new = reserve(first, volume(first), one.id).json()["attachment"]["id"]
    assert inquiry(at(first, one).login(new)).ok


def test_one_that_stops_leaves_the_exports_to_the_others_and_the_last_one_ends_the_daemon(three: list[PeerServer]) -> None:
    one = guest(three[0])
    attachment = reserve(three[0], volume(three[0]), one.id).json()["attachment"]["id"]
    login = at(three[0], one).login(attachment)
    first = leader(three)
    first.stop()
    others = [server for server in three if server is not first]
    assert inquiry(login).ok
    until("another one to lead", lambda: leader_is_one_of(three, others))
    assert inquiry(login).ok
    for server in others:
        server.stop()
    with pytest.raises(Exception, match="no tgtd listens"):
        _ = three[0].tgtd_pid
    for server in three:
        server.start()
    assert inquiry(at(three[2], one).login(attachment)).ok


def test_one_of_another_folder_is_refused_and_says_whose_the_database_is(
    three: list[PeerServer], postgresql: LocalPostgresql, tmp_path: Path
) -> None:
    stranger = PeerServer(tmp_path / "state", 9, postgresql, three[0].database)
    own = (three[0].state / "folder-id").read_text().strip()
    with pytest.raises(RuntimeError, match=f"in the folder with the id {own}"):
        stranger.start()


def test_one_with_sqlite_is_not_let_into_the_folder(three: list[PeerServer], tmp_path: Path) -> None:
    stranger = LonelyServer(three[0].state, advertised_host="")
    stranger.log = tmp_path / "log"
    with pytest.raises(RuntimeError, match="another server runs in"):
        stranger.start()
