"""Several volumes that are LUNs of one target: one session, which one of them after the other joins and leaves.

A guest whose document changes; each test is a chapter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blockstore.report import Result
from testbed.guest import Guest
from testbed.seed import StaticSeed
from testbed.target import ForeignTarget
from tests.vm import scenario
from tests.vm.scenario import StaticVolume

pytestmark = pytest.mark.newest

WISHES = {"data": {"mount": "/srv/data"}, "late": {"mount": "/srv/late"}}
LETTER = b"do not lose me, 8c41"


@dataclass
class Shelf:
    """The guest, and the target that has all volumes: ``data`` as LUN 1, ``late`` as 2, ``third`` as 3."""

    guest: Guest
    target: ForeignTarget
    volumes: dict[str, StaticVolume]

    def attachment(self, name: str, *, lun: int, of: str = "") -> dict[str, Any]:
        """This volume, at a LUN of the one target; with the serial of another one's disk where ``of`` names it."""
        volume, door = self.volumes[name], self.volumes["data"].attachment(self.target.guest_portal)["connection_info"]
        door |= {"target_lun": lun, "serial": self.volumes[of or name].id}
        return {"volume": {"id": volume.id, "name": name}, "connection_info": door}

    def apply(self, *attachments: dict[str, Any]) -> dict[str, tuple[Result, str]]:
        """The document names these from now on."""
        document = {"attachments": attachments, "volumes": WISHES, "deadline": 60}
        self.guest.write("/etc/blockstore/conf.d/shelf.yaml", json.dumps(document).encode(), 0o600)
        self.guest.run("blockstore apply", check=False)
        return {each.name: (each.result, each.reason) for each in scenario.status(self.guest).volumes}

    @property
    def sessions(self) -> list[str]:
        return self.guest.run("ls /sys/class/iscsi_session 2>/dev/null", check=False).stdout.split()

    def is_there(self, name: str) -> bool:
        """Whether the kernel has a disk with this volume's serial."""
        serials = self.guest.run("cat /sys/block/sd*/device/vpd_pg80 2>/dev/null | tr -d '\\0'", check=False).stdout
        return self.volumes[name].id in serials


@pytest.fixture(scope="module")
def shelf(new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder: Path = tmp_path_factory.mktemp("luns")
    volumes = {name: StaticVolume.make(folder, name) for name in ("data", "late", "third")}
    with ForeignTarget(folder / "tgtd.log") as target:
        volumes["data"].export(target)
        guest = new_module_guest("trixie", seed_iso=StaticSeed().write(folder / "seed.iso"), datasources=["NoCloud", "None"])
        guest.start()
        guest.wait_booted()
        yield Shelf(guest, target, volumes)
        guest.power_cut()


def test_a_lun_that_comes_to_a_connected_target_is_found(shelf: Shelf) -> None:
    data = shelf.attachment("data", lun=1)
    assert shelf.apply(data) == {"data": (Result.OK, "")}
    shelf.target.add_unit(shelf.volumes["data"].iqn, 2, shelf.volumes["late"].backing, shelf.volumes["late"].id)
    assert not shelf.is_there("late")
    found = shelf.apply(data, shelf.attachment("late", lun=2))
    assert found == {"data": (Result.OK, ""), "late": (Result.OK, "")}
    assert len(shelf.sessions) == 1
    shelf.guest.write("/srv/late/letter", LETTER)


def test_the_disk_of_one_that_leaves_goes_alone(shelf: Shelf) -> None:
    assert shelf.apply(shelf.attachment("data", lun=1)) == {"data": (Result.OK, ""), "late": (Result.OK, "")}
    assert not shelf.is_there("late")
    assert scenario.holds(shelf.volumes["late"].backing, LETTER)
    assert len(shelf.sessions) == 1
    shelf.guest.write("/srv/data/still", b"here")
    shelf.guest.run("sync -f /srv/data/still")
    assert "/srv/late" not in shelf.guest.run("cat /proc/self/mounts /etc/fstab").stdout


def test_it_is_found_again_with_every_file(shelf: Shelf) -> None:
    found = shelf.apply(shelf.attachment("data", lun=1), shelf.attachment("late", lun=2))
    assert found == {"data": (Result.OK, ""), "late": (Result.OK, "")}
    assert shelf.guest.read("/srv/late/letter") == LETTER


def test_a_corrected_lun_counts_at_once_and_the_old_disk_is_let_go_of(shelf: Shelf) -> None:
    shelf.target.add_unit(shelf.volumes["data"].iqn, 3, shelf.volumes["third"].backing, shelf.volumes["third"].id)
    corrected = shelf.attachment("late", lun=3, of="third")
    shelf.guest.run("sh -c 'exec 9</srv/late/letter; echo $$ >/run/reader; exec sleep 600' >/dev/null 2>&1 & sleep 1")
    result, reason = shelf.apply(shelf.attachment("data", lun=1), corrected)["late"]
    assert result is Result.REFUSED
    assert all(word in reason for word in ("LUN 2", "LUN 3", "sleep (pid"))
    assert shelf.guest.read("/srv/late/letter") == LETTER
    shelf.guest.run("kill $(cat /run/reader)")
    assert shelf.apply(shelf.attachment("data", lun=1), corrected) == {"data": (Result.OK, ""), "late": (Result.OK, "")}
    assert shelf.guest.run("ls /srv/late").stdout.split() == ["lost+found"]
    assert (shelf.is_there("late"), shelf.is_there("third")) == (False, True)
    assert scenario.holds(shelf.volumes["late"].backing, LETTER)


def test_one_that_something_is_built_on_stays(shelf: Shelf) -> None:
    corrected = shelf.attachment("late", lun=3, of="third")
    shelf.guest.run("umount /srv/late && dmsetup create above --table '0 2048 linear /dev/disk/by-blockstore/late-part1 0'")
    result, reason = shelf.apply(shelf.attachment("data", lun=1))["late"]
    assert result is Result.REFUSED
    assert "in use by dm-" in reason
    assert shelf.is_there("third")
    shelf.guest.run("dmsetup remove above")
    assert shelf.apply(shelf.attachment("data", lun=1), corrected)["late"] == (Result.OK, "")


def test_the_last_one_closes_the_session(shelf: Shelf) -> None:
    assert shelf.apply() == {"data": (Result.OK, ""), "late": (Result.OK, "")}
    assert shelf.sessions == []
    assert shelf.guest.run("ls /etc/iscsi/nodes", check=False).stdout == ""
