"""Volumes that the server extends while a guest writes to them: the next run follows, and no write fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from testbed.guest import Guest
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer
from tests.vm import scenario
from tests.vm.load import Writer

KINDS = ("ext4", "xfs", "btrfs")
USER_DATA = """\
#cloud-config
blockstore:
  deadline: 120
  volumes:
    ext4: {mount: /srv/ext4}
    xfs: {partition_table: none, filesystem: xfs, mount: /srv/xfs}
    btrfs:
      partitions:
        - {size: 128MiB, filesystem: swap}
        - {size: rest, filesystem: btrfs, mount: /srv/btrfs}
"""


@dataclass
class Growing:
    """The guest, its server and the writers that never rest."""

    server: LocalServer
    guest: Guest
    writers: list[Writer]

    def size(self, kind: str) -> int:
        """Bytes of a mounted file system, by statfs."""
        return int(self.guest.run(["findmnt", "-bno", "SIZE", "--mountpoint", f"/srv/{kind}"]).stdout)


@pytest.fixture(scope="module")
def growing(new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growing]:
    folder: Path = tmp_path_factory.mktemp("growth")
    with LocalServer(folder / "state") as server:
        server.create_instance("web-1", user_data=USER_DATA, network_config=yaml.safe_dump(STATIC_NETWORK))
        for kind in KINDS:
            server.create_volume(kind)
            server.attach(kind, "web-1")
        seed = server.seed("web-1", folder / "seed.iso")
        guest = new_module_guest("trixie", seed_iso=seed, datasources=["BlockStore", "None"])
        guest.start()
        guest.wait_booted()
        yield Growing(server, guest, [Writer(guest, f"/srv/{kind}/load") for kind in KINDS])
        guest.power_cut()


def test_an_extended_volume_is_followed_while_it_is_written_to(growing: Growing) -> None:
    before = {kind: growing.size(kind) for kind in KINDS}
    assert all(size < 1 << 30 for size in before.values())
    for kind in KINDS:
        growing.server.cli("volume", "extend", kind, "--size", "2")
    for each in growing.writers:
        each.goes_on()
    done = growing.guest.run("blockstore apply --json", check=False, timeout=300)
    assert done.code == 0, done
    assert {each["name"] for each in json.loads(done.stdout)["volumes"] if each["changed"]} == set(KINDS)
    assert all(growing.size(kind) > before[kind] + (900 << 20) for kind in KINDS)


def test_no_write_failed_and_every_file_is_there(growing: Growing) -> None:
    for each in growing.writers:
        each.goes_on()
        written = each.stop()
        assert (written.error, each.damaged()) == ("", "")


def test_a_further_run_changes_nothing(growing: Growing) -> None:
    done = growing.guest.run("blockstore apply --json", check=False, timeout=300)
    assert done.code == 0
    assert not any(each["changed"] for each in json.loads(done.stdout)["volumes"])
    assert scenario.status(growing.guest).healthy
