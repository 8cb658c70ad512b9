"""A real Cinder and a server that passes through to it, once for all tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blockstore.waiting import Deadline, wait_for
from testbed.cinder import LocalCinder
from testbed.cinder.local import PROJECT
from testbed.server import LocalServer
from tests.target.conftest import Guest
from tests.target.initiator import Login

TIMEOUT, POLL = 20, 1

CONFIGURATION = f"""\
engine = "cinder"
[cinder]
auth = "noauth"
endpoint = "{{url}}"
project = "{PROJECT}"
timeout = {TIMEOUT}
poll = {POLL}
"""


class PassingGuest(Guest):
    """An instance; the portal is Cinder's."""

    def __init__(self, server: LocalServer, cinder: LocalCinder, instance: dict[str, Any]) -> None:
        super().__init__(server, instance)
        self.cinder = cinder

    def login(self, attachment: str, initiator: str = "") -> Login:
        answer = self.connect(attachment, initiator)
        assert answer.status_code == 200, answer.text
        connection = answer.json()["attachment"]["connection_info"]
        return Login.of(connection, portal=self.cinder.portal, initiator=initiator or self.initiator)

    def listed(self) -> list[dict[str, Any]]:
        answer = self.ask("GET", "attachments")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["attachments"]
        return found


class Scene:
    """Makes instances and volumes with names that nobody else has."""

    _numbers = itertools.count(1)

    def __init__(self, server: LocalServer, cinder: LocalCinder) -> None:
        self.server, self.cinder = server, cinder

    def guest(self) -> PassingGuest:
        return PassingGuest(self.server, self.cinder, self.server.create_instance(f"web-{next(self._numbers)}"))

    def volume(self) -> str:
        """Made through our server."""
        return str(self.server.create_volume(f"data-{next(self._numbers)}")["id"])

    def foreign(self, **words: Any) -> str:
        """Made in Cinder itself."""
        wish = {"size": 1, "name": f"foreign-{next(self._numbers)}", **words}
        answer = self.cinder.ask("POST", "/volumes", {"volume": wish})
        assert answer.status_code == 202, answer.text
        identifier = str(answer.json()["volume"]["id"])
        wait_for("the volume", lambda: self.status(identifier) == "available" or None, Deadline.after(30))
        return identifier

    def attached(self, guest: Guest, volume: str = "") -> tuple[str, str]:
        volume = volume or self.volume()
        return volume, str(self.server.attach(volume, guest.id)["id"])

    def status(self, volume: str) -> str:
        """Cinder's own word."""
        return str(self.cinder.ask("GET", f"/volumes/{volume}").json()["volume"]["status"])

    def attachment_status(self, attachment: str) -> str:
        """Cinder's own word; "" where it has none."""
        answer = self.cinder.ask("GET", f"/attachments/{attachment}")
        return str(answer.json()["attachment"]["status"]) if answer.status_code == 200 else ""


def write_configuration(folder: Path, url: str) -> tuple[str, ...]:
    """The options of a server that passes through to this Cinder."""
    file = folder / "server.toml"
    file.write_text(CONFIGURATION.format(url=url))
    return ("--config", str(file))


@pytest.fixture(scope="session")
def cinder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCinder]:
    with LocalCinder(tmp_path_factory.mktemp("cinder")) as running:
        yield running


@pytest.fixture(scope="session")
def server(cinder: LocalCinder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("server")
    options = write_configuration(folder, cinder.url)
    with LocalServer(folder / "state", advertised_host="", options=options) as running:
        yield running


@pytest.fixture
def scene(server: LocalServer, cinder: LocalCinder) -> Scene:
    return Scene(server, cinder)
