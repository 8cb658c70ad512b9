"""A real Keystone, a Cinder that asks it who somebody is, and servers that authenticate themselves with it, each once for all
tests of this folder. `scene` and what hangs on it are those of the folder above."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blockstore.reader import Faults, Reader
from metadata_server.engines.cinder.client import CinderClient
from metadata_server.engines.cinder.session import connect
from metadata_server.engines.cinder.settings import parse
from testbed.cinder import SecuredCinder
from testbed.keystone import REGION, Administrator, LocalKeystone, User
from testbed.server import LocalServer

PROJECT, ROLES = "instances", ("member", "service")
# Where the catalogue names Cinder as it did before 2020: by its version, with the project's id in the URL.
OLD_REGION = "RegionOld"
TIMEOUT, POLL = 20, 1


@dataclass
class Cloud:
    """Keystone, its administrator, the id of the project that volumes are in, our user there, and every secret that there is."""

    keystone: LocalKeystone
    administrator: Administrator
    project: str
    user: User
    secrets: list[str] = field(default_factory=list)

    def account(self, *roles: str) -> User:
        """A new user with these roles in the project."""
        user = self.administrator.user(f"user-{secrets.token_hex(4)}")
        self.administrator.grant(user, self.project, *roles)
        self.secrets.append(user.password)
        return user

    def words(self, auth: str, folder: Path, user: User | None = None, secret: str = "") -> dict[str, str]:
        """``[cinder]`` for this user (else ours), by this way of authentication; ``secret`` instead of the right one."""
        user = user or self.user
        common = {"auth": auth, "auth_url": self.keystone.url, "region": REGION}
        if auth == "password":
            file = secret_file(folder, secret or user.password)
            return {**common, "username": user.name, "password_file": str(file), "project": PROJECT}
        made = self.administrator.credential(user, PROJECT)
        self.secrets.append(made.secret)
        return {**common, "credential_id": made.id, "secret_file": str(secret_file(folder, secret or made.secret))}


def secret_file(folder: Path, text: str) -> Path:
    file = folder / secrets.token_hex(4)
    file.touch(mode=0o600)
    file.write_text(f"{text}\n")
    return file


def client(words: Mapping[str, str]) -> CinderClient:
    """Our server's client of Cinder with this ``[cinder]``."""
    faults = Faults()
    settings = parse(Reader({**words, "timeout": TIMEOUT}, faults))
    faults.raise_any()
    return CinderClient(connect(settings), settings)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with LocalKeystone(tmp_path_factory.mktemp("keystone")) as keystone:
        first = Administrator(keystone)
        project = first.project(PROJECT)
        first.grant(first.myself(), project, "admin")
        administrator = Administrator(keystone, PROJECT)
        user = administrator.user("blockstore")
        administrator.grant(user, project, *ROLES)
        yield Cloud(keystone, administrator, project, user, [keystone.password, user.password])


@pytest.fixture(scope="session")
def cinder(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredCinder]:
    secured = SecuredCinder(tmp_path_factory.mktemp("secured"), cloud.keystone, cloud.administrator)
    cloud.administrator.service("cinder", "block-storage", secured.url)
    cloud.administrator.region(OLD_REGION)
    cloud.administrator.service("cinderv3", "volumev3", f"{secured.url}/%(project_id)s", OLD_REGION)
    with secured:
        yield secured


@pytest.fixture(scope="session", params=["password", "application_credential"])
def server(
    request: pytest.FixtureRequest, cloud: Cloud, cinder: SecuredCinder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalServer]:
    folder = tmp_path_factory.mktemp("server")
    lines = [f'{key} = "{value}"' for key, value in cloud.words(request.param, folder).items()]
    file = folder / "server.toml"
    file.write_text("\n".join(['engine = "cinder"', "[cinder]", f"timeout = {TIMEOUT}", f"poll = {POLL}", *lines]))
    with LocalServer(folder / "state", advertised_host="", options=("--config", str(file))) as running:
        yield running
