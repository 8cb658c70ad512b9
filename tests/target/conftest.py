"""A real server with a real tgtd, once for all tests; every test has instances and volumes of its own."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from blockstore.errors import BlockstoreError
from blockstore.waiting import Deadline, wait_for
from metadata_server.database import DatabaseSettings
from metadata_server.domain.export import SeenTarget
from metadata_server.store import Store
from metadata_server.targets import tgt_show
from metadata_server.targets.tgt_request import Mode, Operation, Request
from metadata_server.targets.tgt_socket import SocketControl
from testbed.postgresql import LocalPostgresql
from testbed.server import LocalServer
from tests.databases import KINDS, migrated, postgresql
from tests.target.initiator import Login

__all__ = ["migrated", "postgresql"]

PROGRAMS = ("tgtd", "iscsi-inq", "iscsi-ls", "qemu-io")


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    missing = [program for program in PROGRAMS if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None]
    if missing:
        pytest.fail(f"this tier needs {', '.join(missing)} (apt install tgt libiscsi-bin qemu-utils qemu-block-extra)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=KINDS, default="sqlite", help="what the servers of tests/target keep their state in")


@pytest.fixture
def sqlite(request: pytest.FixtureRequest) -> None:
    """For what is so with SQLite alone: the state is a file of the folder, and there is one server."""
    if request.config.getoption("--database") != "sqlite":
        pytest.skip("with SQLite alone")


@pytest.fixture(scope="session", autouse=True)
def _databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every server's folder has a database of its own, new with the folder."""
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    server: LocalPostgresql = request.getfixturevalue("postgresql")

    @functools.cache
    def options(state: Path) -> dict[str, str]:
        name = server.database(template=request.getfixturevalue("migrated"))
        return {"database.url": server.url(name), "database.password_file": str(server.password_file)}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalServer, "databases", staticmethod(options))
        yield


class Guest:
    """An instance, as it talks to the server."""

    def __init__(self, server: LocalServer, instance: dict[str, Any]) -> None:
        self.server, self.id, self.initiator, self.token = server, instance["id"], instance["initiator_name"], instance["token"]

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None, **words: Any) -> requests.Response:
        """One call of the instances' listener."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}", **words.pop("headers", {})}
        return requests.request(method, f"{self.server.instance_url}/v1/{path}", headers=headers, json=body, timeout=30, **words)

    def connect(self, attachment: str, initiator: str = "") -> requests.Response:
        """PUT the connector."""
        connector = {"initiator": initiator or self.initiator, "ip": "10.0.2.15", "host": "guest", "multipath": False}
        return self.ask("PUT", f"attachments/{attachment}", {"attachment": {"connector": connector}})

    def login(self, attachment: str, initiator: str = "") -> Login:
        """PUT the connector; what an initiator on this machine needs to log in."""
        answer = self.connect(attachment, initiator)
        assert answer.status_code == 200, answer.text
        connection = answer.json()["attachment"]["connection_info"]
        port = connection["target_portal"].rpartition(":")[2]
        return Login.of(connection, portal=f"127.0.0.1:{port}", initiator=initiator or self.initiator)

    def complete(self, attachment: str) -> None:
        """Say that the volume is used."""
        answer = self.ask("POST", f"attachments/{attachment}/action", {"os-complete": {}})
        assert answer.status_code == 204, answer.text


def until(what: str, holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it; an error of ours is one more reason to wait."""

    def look() -> bool | None:
        try:
            return holds() or None
        except BlockstoreError:
            return None

    wait_for(what, look, Deadline.after(seconds))


def opened(state: Path) -> Store:
    """The database of a server that does not run."""
    words = LocalServer.databases(state)
    file = words.get("database.password_file")
    settings = DatabaseSettings(words.get("database.url", ""), password_file=Path(file) if file else None)
    return Store.open(state / "state.db", settings)


def start_of(file: Path, count: int) -> bytes:
    """The first bytes of a backing file (all of it is a GiB of zeros)."""
    with file.open("rb") as opened:
        return opened.read(count)


def seen(server: LocalServer) -> dict[str, SeenTarget]:
    """What the server's tgtd itself shows, by target name."""
    folder = os.open(server.state, os.O_RDONLY)
    try:
        control = SocketControl(Path(f"/proc/self/fd/{folder}/tgtd.0"))
        return tgt_show.targets(control.send(Request(Mode.TARGET, Operation.SHOW, tid=-1)))
    finally:
        os.close(folder)


class Scene:
    """Makes instances and volumes with names that nobody else has."""

    _numbers = itertools.count(1)

    def __init__(self, server: LocalServer) -> None:
        self.server = server

    def guest(self) -> Guest:
        """A new instance."""
        return Guest(self.server, self.server.create_instance(f"web-{next(self._numbers)}"))

    def volume(self, size: int = 1) -> str:
        """The id of a new volume."""
        return str(self.server.create_volume(f"data-{next(self._numbers)}", size)["id"])

    def attached(self, guest: Guest, **words: Any) -> tuple[str, str]:
        """A new volume reserved for this guest: the ids of volume and attachment."""
        volume = self.volume()
        return volume, str(self.server.attach(volume, guest.id, **words)["id"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """One server for all files; a test that kills it starts it again."""
    with LocalServer(tmp_path_factory.mktemp("server") / "state") as running:
        yield running


@pytest.fixture
def scene(server: LocalServer) -> Scene:
    return Scene(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test that kills its own server keeps it."""
    return tmp_path / "state"
