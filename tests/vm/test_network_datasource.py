"""The metadata service as the datasource: a guest that knows an address and a token, and nothing else of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from blockstore.report import Result
from testbed.guest import File, Guest
from testbed.image import SUITES
from testbed.server import LocalServer
from tests.vm import scenario

pytestmark = pytest.mark.newest

POINTER = "/var/lib/cloud/seed/blockstore/meta-data"
# Where the requests of a guest on QEMU's user network come from.
SOURCE = "127.0.0.1"


@dataclass
class Asked:
    """The guest, the server that it asks, and who it is there."""

    guest: Guest
    server: LocalServer
    instance: dict


def pointer(server: LocalServer, **words: str) -> bytes:
    """All that the guest knows at first."""
    return json.dumps({"blockstore": {"endpoint": server.addresses.endpoint, **words}}).encode()


@pytest.fixture(scope="module", params=SUITES)
def asked(request: pytest.FixtureRequest, new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder: Path = tmp_path_factory.mktemp(f"network-{request.param}")
    with LocalServer(folder / "state") as server:
        instance = server.create_instance("db-1", user_data="#cloud-config\nfqdn: db-1.example.org\n")
        server.create_volume("data", metadata={"blockstore.mount": "/srv/data"})
        server.attach("data", "db-1")
        injected = {POINTER: File(pointer(server, token=instance["token"]), 0o600)}
        guest = new_module_guest(request.param, injected=injected, datasources=["BlockStore", "None"])
        guest.start()
        guest.wait_booted()
        yield Asked(guest, server, instance)
        guest.power_cut()


def test_the_guest_is_who_the_server_says(asked: Asked) -> None:
    code, said = scenario.cloud_init(asked.guest)
    assert (code, said["status"]) == (0, "done"), said
    assert scenario.warnings(asked.guest) == []
    assert asked.guest.run("cloud-init query instance_id").stdout.strip() == asked.instance["id"]
    assert asked.guest.run("cat /etc/hostname").stdout.strip() == "db-1"


def test_its_volume_is_mounted_by_the_server_s_wish(asked: Asked) -> None:
    assert scenario.volume(asked.guest, "data").result is Result.OK
    assert scenario.filesystem(asked.guest, "/srv/data")["fstype"] == "ext4"


def test_the_token_is_in_no_pickle_and_with_root_alone(asked: Asked) -> None:
    token = asked.instance["token"]
    assert token.encode() not in asked.guest.read("/var/lib/cloud/instance/obj.pkl")
    assert scenario.leaks(asked.guest, (token,)) == []


def test_a_reboot_without_the_server_keeps_the_instance(asked: Asked) -> None:
    asked.server.kill()  # its tgtd lives on
    asked.guest.reboot()
    assert asked.guest.run("ls /var/lib/cloud/instances").stdout.split() == [asked.instance["id"]]
    assert "BlockStore" in scenario.cloud_init(asked.guest)[1]["detail"]
    assert scenario.filesystem(asked.guest, "/srv/data")["fstype"] == "ext4"
    asked.server.start()


def test_a_guest_without_a_token_is_known_by_its_address(asked: Asked) -> None:
    """As of EC2's IMDSv2: a session token for every boot, and nothing of it on the disk."""
    asked.server.cli("instance", "set", "db-1", "--address", SOURCE)
    asked.server.client.post(f"/instances/{asked.instance['id']}/token", {"revoke": True})
    before = asked.server.client.instance("db-1")["reported_at"]
    asked.guest.run("cloud-init clean")  # else the token of before is kept, whatever the seed says now
    asked.guest.write(POINTER, pointer(asked.server), 0o600)
    asked.guest.run("sync")
    asked.guest.power_cut()
    asked.guest.start()
    asked.guest.wait_booted()
    code, said = scenario.cloud_init(asked.guest)
    assert (code, said["status"]) == (0, "done"), said
    assert asked.guest.run("ls /var/lib/cloud/instances").stdout.split() == [asked.instance["id"]]
    assert asked.server.client.instance("db-1")["reported_at"] > before
    assert scenario.volume(asked.guest, "data").result is Result.OK
    assert scenario.filesystem(asked.guest, "/srv/data")["fstype"] == "ext4"
