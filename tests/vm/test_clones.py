"""Copies of mounted volumes on the same instance, and a volume that moves between two releases and back.

The guests of the two releases run one after the other; each test is a chapter.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from blockstore.report import Result
from testbed.guest import Guest
from testbed.image import SUITES
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer
from tests.vm import scenario

WISHES = {
    "ext4": {"filesystem": "ext4"},
    "xfs": {"filesystem": "xfs", "partition_table": "none"},
    "btrfs": {"filesystem": "btrfs", "partition_table": "none"},
}
# Linux 6.1 takes two btrfs devices with one UUID for the same file system.
REFUSED = {"bookworm": ("btrfs",), "trixie": ()}
# What is the same on every release is shown on one, unless all are asked for.
SHOWN = {"bookworm": ("btrfs",), "trixie": tuple(WISHES)}


@dataclass
class Estate:
    """One server, and a guest of each release with its own volumes; `nomad` belongs to whoever has it."""

    server: LocalServer
    guests: dict[str, Guest]
    kinds: dict[str, tuple[str, ...]]
    made: dict[str, str] = field(default_factory=dict)

    def volume(self, name: str, kind: str, mount: str) -> None:
        """A new volume, wished to be mounted at `mount`."""
        words = {f"blockstore.{key}": value for key, value in (WISHES[kind] | {"mount": mount}).items()}
        self.made[name] = self.server.create_volume(name, metadata=words)["id"]

    def backing(self, name: str) -> Path:
        """Its backing file."""
        return self.server.volume_file(self.made[name])


@pytest.fixture(scope="module")
def estate(request: pytest.FixtureRequest, new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    folder: Path = tmp_path_factory.mktemp("clones")
    kinds = dict.fromkeys(SUITES, tuple(WISHES)) if request.config.getoption("--every-suite") else SHOWN
    with LocalServer(folder / "state") as server:
        estate = Estate(server, {}, kinds)
        estate.volume("nomad", "ext4", "/srv/nomad")
        for suite in SUITES:
            server.create_instance(suite, network_config=yaml.safe_dump(STATIC_NETWORK))
            for kind in kinds[suite]:
                estate.volume(f"{kind}-{suite}", kind, f"/srv/{kind}")
                server.attach(f"{kind}-{suite}", suite)
            seed = server.seed(suite, folder / f"{suite}.iso")
            estate.guests[suite] = new_module_guest(suite, seed_iso=seed, datasources=["BlockStore", "None"])
        server.attach("nomad", SUITES[0])
        yield estate
        for guest in estate.guests.values():
            if guest.running:
                guest.power_cut()


@pytest.mark.parametrize("suite", SUITES)
def test_a_copy_of_a_mounted_volume_is_told_from_it(estate: Estate, suite: str) -> None:
    guest = estate.guests[suite]
    guest.start()
    guest.wait_booted()
    assert scenario.status(guest).healthy
    for kind in estate.kinds[suite]:
        _copied(estate, suite, kind)
    done = guest.run("blockstore apply", check=False, timeout=300)
    assert done.code == (1 if REFUSED[suite] else 0), done
    _told_apart(estate, suite)
    _nomad_leaves(estate, suite)
    guest.shutdown()


def _copied(estate: Estate, suite: str, kind: str) -> None:
    """A volume with every byte of another, attached to the same instance."""
    guest, name = estate.guests[suite], f"{kind}-{suite}"
    guest.write(f"/srv/{kind}/of", name.encode())
    guest.run(f"fsfreeze -f /srv/{kind}")
    estate.volume(f"copy-of-{name}", kind, f"/srv/copy-of-{kind}")
    copy = ["cp", "--sparse=always", estate.backing(name), estate.backing(f"copy-of-{name}")]
    subprocess.run(copy, check=True)
    guest.run(f"fsfreeze -u /srv/{kind}")
    estate.server.attach(f"copy-of-{name}", suite)


def _told_apart(estate: Estate, suite: str) -> None:
    guest = estate.guests[suite]
    for kind in estate.kinds[suite]:
        original, copy = (scenario.volume(guest, f"{prefix}{kind}-{suite}") for prefix in ("", "copy-of-"))
        assert original.result is Result.OK
        _on_its_own_device(guest, f"/srv/{kind}", original.device)
        if kind in REFUSED[suite]:
            assert copy.result is Result.REFUSED
            assert "UUID" in copy.reason
            assert scenario.filesystem(guest, f"/srv/copy-of-{kind}") == {}
            continue
        assert (copy.result, copy.reason) == (Result.OK, "")
        _on_its_own_device(guest, f"/srv/copy-of-{kind}", copy.device)
        assert guest.read(f"/srv/copy-of-{kind}/of") == f"{kind}-{suite}".encode()
        _written_through(estate, suite, kind)


def _on_its_own_device(guest: Guest, place: str, device: str) -> None:
    found = scenario.filesystem(guest, place)
    assert found.get("source", "").startswith(device), (place, device, found)


def _written_through(estate: Estate, suite: str, kind: str) -> None:
    """What is written to each reaches its own backing file, and no other."""
    guest = estate.guests[suite]
    for place, mine, other in (
        (f"/srv/{kind}", f"{kind}-{suite}", f"copy-of-{kind}-{suite}"),
        (f"/srv/copy-of-{kind}", f"copy-of-{kind}-{suite}", f"{kind}-{suite}"),
    ):
        needle = f"only in {mine}, {guest.power_on_seconds}".encode() * 40
        guest.write(f"{place}/own", needle)
        guest.run(["sync", "-f", place])
        assert scenario.holds(estate.backing(mine), needle)
        assert not scenario.holds(estate.backing(other), needle)


def _nomad_leaves(estate: Estate, suite: str) -> None:
    guest, other = estate.guests[suite], SUITES[1 - SUITES.index(suite)]
    assert scenario.filesystem(guest, "/srv/nomad")["fstype"] == "ext4"
    guest.write(f"/srv/nomad/{suite}", b"was here")
    guest.run("blockstore detach nomad", timeout=240)
    assert scenario.filesystem(guest, "/srv/nomad") == {}
    estate.server.attach("nomad", other)


@pytest.mark.parametrize("suite", SUITES[::-1])
def test_after_a_reboot_each_is_on_its_own_device_again(estate: Estate, suite: str) -> None:
    """By fstab and by the module, in whatever order the devices came up."""
    guest = estate.guests[suite]
    guest.start()
    guest.wait_booted()
    _told_apart(estate, suite)
    if suite != SUITES[0]:
        guest.shutdown()


def test_a_volume_that_moved_and_came_back_has_every_file(estate: Estate) -> None:
    guest = estate.guests[SUITES[0]]
    assert scenario.volume(guest, "nomad").result is Result.OK
    assert all(guest.read(f"/srv/nomad/{suite}") == b"was here" for suite in SUITES)
    assert not any(step.changed for step in scenario.volume(guest, "nomad").steps if step.step in ("partition", "filesystem"))
