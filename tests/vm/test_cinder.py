"""A guest whose volumes a real Cinder keeps and exports through tgt: it does not notice. On one release, for the guest is the
same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from blockstore.report import Result
from blockstore.waiting import Deadline, wait_for
from testbed.cinder import LocalCinder
from testbed.guest import Guest
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer
from tests.cinder.conftest import Scene, write_configuration
from tests.vm import scenario

NEEDLE = b"a file that the guest wrote to Cinder's volume, 3c9e"
USER_DATA = """\
#cloud-config
blockstore:
  volumes:
    data: {mount: /srv/data, label: data}
    logs: {partition_table: none, filesystem: xfs, mount: /srv/logs}
    old: {mount: /srv/old}
"""


@dataclass
class Life:
    """The guest, its server, and Cinder."""

    guest: Guest
    server: LocalServer
    cinder: LocalCinder
    scene: Scene
    volumes: dict[str, str]


@pytest.fixture(scope="module")
def life(new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder: Path = tmp_path_factory.mktemp("cinder")
    with ExitStack() as stack:
        cinder = stack.enter_context(LocalCinder(folder / "cinder", portal_host="10.0.2.2"))
        server = stack.enter_context(LocalServer(folder / "state", options=write_configuration(folder, cinder.url)))
        scene = Scene(server, cinder)
        server.create_instance("web-1", user_data=USER_DATA, network_config=yaml.safe_dump(STATIC_NETWORK))
        # One that is known to be blank, and one that an operator vouches for.
        volumes = {"data": str(server.create_volume("data")["id"]), "logs": scene.foreign(name="logs")}
        server.attach("data", "web-1")
        server.cli("attach", "logs", "web-1", "--blank")
        seed = server.seed("web-1", folder / "seed.iso")
        guest = new_module_guest("trixie", seed_iso=seed, datasources=["BlockStore", "None"])
        guest.start()
        guest.wait_booted()
        yield Life(guest, server, cinder, scene, volumes)


def test_both_volumes_are_formatted_and_mounted(life: Life) -> None:
    code, said = scenario.cloud_init(life.guest)
    assert (code, said["status"]) == (0, "done"), said
    assert scenario.warnings(life.guest) == []
    report = scenario.status(life.guest)
    assert [(each.name, each.result, each.reason) for each in report.volumes] == [
        ("data", Result.OK, ""), ("logs", Result.OK, "")
    ]  # fmt: skip
    assert {each.id: each.serial for each in report.volumes} == {each: f"volume-{each}"[:36] for each in life.volumes.values()}
    data, logs = (scenario.filesystem(life.guest, f"/srv/{name}") for name in ("data", "logs"))
    assert (data["fstype"], data["label"], logs["fstype"]) == ("ext4", "data", "xfs")


def test_cinder_says_in_use(life: Life) -> None:
    # On a busy machine Cinder is slower than the guest's patience with one answer; the server sees it through all the same.
    both = ["in-use", "in-use"]
    statuses = lambda: [life.scene.status(each) for each in life.volumes.values()]  # noqa: E731
    wait_for("both to be in use", lambda: statuses() == both or None, Deadline.after(60))
    attachments = life.cinder.ask("GET", "/attachments").json()["attachments"]
    assert [each["status"] for each in attachments] == ["attached", "attached"]


def test_what_the_guest_writes_is_in_cinder_s_volume_and_its_links_are_its_own(life: Life) -> None:
    for name, identifier in life.volumes.items():
        life.guest.write(f"/srv/{name}/proof", NEEDLE + name.encode())
        life.guest.run(f"sync -f /srv/{name}")
        assert scenario.holds(life.cinder.volume_file(identifier), NEEDLE + name.encode()), name
        links = [
            life.guest.run(["readlink", "-f", f"/dev/disk/by-blockstore/{key}"]).stdout.strip() for key in (name, identifier)
        ]
        assert links == [scenario.volume(life.guest, name).device] * 2
    found = life.guest.run("ls /var/lib/blockstore/links").stdout.split()
    assert all(each.partition("@")[2].startswith("ip-10.0.2.2:") for each in found), found


def test_a_volume_that_nobody_vouches_for_is_not_formatted(life: Life) -> None:
    old = life.scene.foreign(name="old")
    life.server.attach("old", "web-1")
    scenario.single(life.guest)
    assert scenario.volume(life.guest, "old").result is Result.REFUSED
    life.server.detach("old")
    scenario.single(life.guest)
    wait_for("it to be free", lambda: life.scene.status(old) == "available" or None, Deadline.after(60))


def test_after_a_reboot_both_are_there_again(life: Life) -> None:
    life.guest.reboot()
    for name in life.volumes:
        assert life.guest.read(f"/srv/{name}/proof") == NEEDLE + name.encode()
    assert scenario.status(life.guest).healthy
    assert [life.scene.status(each) for each in life.volumes.values()] == ["in-use", "in-use"]


def test_detach_leaves_the_volume_available_in_cinder(life: Life) -> None:
    life.server.detach("logs")
    assert life.scene.status(life.volumes["logs"]) == "detaching"
    assert scenario.single(life.guest) == 0
    assert scenario.filesystem(life.guest, "/srv/logs") == {}
    assert life.scene.status(life.volumes["logs"]) == "available"
    assert life.volumes["logs"] not in life.cinder.targets()
    assert scenario.filesystem(life.guest, "/srv/data") != {}
