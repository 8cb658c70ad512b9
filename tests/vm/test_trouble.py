"""A wrong secret, a dead portal, a volume with somebody's data, another volume's device: the others come up all the same."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from blockstore.report import Result
from testbed.guest import Guest
from testbed.image import SUITES
from testbed.seed import StaticSeed
from testbed.target import ForeignTarget
from tests.vm import scenario
from tests.vm.scenario import StaticVolume

pytestmark = pytest.mark.newest

DEADLINE = 45
WISHES = {
    "good": {"mount": "/srv/good"},
    "locked": {"mount": "/srv/locked"},
    "dead": {"mount": "/srv/dead"},
    "silent": {"mount": "/srv/silent"},
    "full": {"filesystem": "xfs", "mount": "/srv/full"},
    "other": {"mount": "/srv/other"},
    "lone": {"mount": "/srv/lone"},
}
# A block that no signature and no evenly spread sample shows: the target knows that it has stored it.
LONE = (1 << 20) + 12288


@dataclass
class Trouble:
    """The guest, its volumes, and what was on them before."""

    suite: str
    guest: Guest
    volumes: dict[str, StaticVolume]
    digests: dict[str, str]
    portals: dict[str, str]


@pytest.fixture(scope="module", params=SUITES)
def trouble(request: pytest.FixtureRequest, new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trouble]:
    folder: Path = tmp_path_factory.mktemp(f"trouble-{request.param}")
    volumes = {name: StaticVolume.make(folder, name) for name in WISHES}
    (folder / "files").mkdir()
    (folder / "files/letter").write_text("do not lose me\n")
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", folder / "files", volumes["full"].backing], check=True)
    with volumes["lone"].backing.open("r+b") as lone:
        lone.seek(LONE)
        lone.write(b"\xa5" * 4096)
    with ForeignTarget(folder / "tgtd.log") as target, socket.socket() as closed, socket.socket() as mute:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused, and nobody else can take the port
        mute.bind(("127.0.0.1", 0))
        mute.listen()  # connections are taken, and never a word said
        portals = {name: f"10.0.2.2:{each.getsockname()[1]}" for name, each in (("dead", closed), ("silent", mute))}
        for name, volume in volumes.items():
            volume.export(target, serial=volumes["good"].id[::-1] if name == "other" else "")
        attachments = [
            volume.attachment(
                portals.get(name, target.guest_portal),
                password="not-the-secret-of-the-target" if name == "locked" else "",
            )
            for name, volume in volumes.items()
        ]
        document = {"attachments": attachments, "volumes": WISHES, "deadline": DEADLINE}
        seed = StaticSeed(blockstore=document).write(folder / "seed.iso")
        guest = new_module_guest(request.param, seed_iso=seed, datasources=["NoCloud", "None"])
        digests = {name: volumes[name].digest() for name in ("full", "other", "locked", "lone")}
        guest.start()
        guest.wait_booted()
        yield Trouble(request.param, guest, volumes, digests, portals)
        guest.power_cut()


def test_the_good_volume_is_up_within_its_own_time(trouble: Trouble) -> None:
    assert scenario.filesystem(trouble.guest, "/srv/good")["fstype"] == "ext4"
    good = scenario.volume(trouble.guest, "good")
    assert good.result is Result.OK
    login = next(step for step in good.steps if step.step == "login")
    dead = next(step for step in scenario.volume(trouble.guest, "dead").steps if step.step == "login")
    assert login.ms < dead.ms / 2


def test_the_module_keeps_its_deadline(trouble: Trouble) -> None:
    assert scenario.status(trouble.guest).duration_ms < (DEADLINE + 10) * 1000


def test_status_names_each_with_its_reason(trouble: Trouble) -> None:
    found = {each.name: (each.result, each.reason) for each in scenario.status(trouble.guest).volumes}
    assert found["locked"][0] is Result.FAILED
    assert "authentication refused" in found["locked"][1]
    for name, portal in trouble.portals.items():
        assert found[name][0] is Result.FAILED
        assert f"no answer from {portal}" in found[name][1]
    assert found["full"][0] is Result.REFUSED
    assert "ext4" in found["full"][1]
    assert "xfs" in found["full"][1]
    assert found["other"][0] is Result.REFUSED
    assert "serial" in found["other"][1]
    assert trouble.volumes["other"].id in found["other"][1]
    assert found["lone"][0] is Result.REFUSED
    assert f"data at byte {LONE}" in found["lone"][1]


def test_cloud_init_is_degraded_with_one_warning(trouble: Trouble) -> None:
    code, said = scenario.cloud_init(trouble.guest)
    told = [line for line in scenario.warnings(trouble.guest) if "blockstore" in line]
    assert len(told) == 1
    assert all(f"{name}: " in told[0] for name in WISHES if name != "good")
    assert said["status"] == "done"
    if trouble.suite != "bookworm":  # 22.4 knows no degraded state
        assert (code, said["extended_status"]) == (2, "degraded done")


def test_no_byte_of_a_refused_volume_was_written(trouble: Trouble) -> None:
    assert {name: trouble.volumes[name].digest() for name in trouble.digests} == trouble.digests


def test_plan_tells_the_same_and_changes_nothing(trouble: Trouble) -> None:
    done = trouble.guest.run("blockstore plan", check=False)
    assert done.code == 1
    assert "refusing" in done.stdout
    assert {name: trouble.volumes[name].digest() for name in trouble.digests} == trouble.digests


def test_no_secret_is_told_on_any_failing_path(trouble: Trouble) -> None:
    secrets = [secret for volume in trouble.volumes.values() for secret in volume.secrets]
    assert scenario.leaks(trouble.guest, ("not-the-secret-of-the-target", *secrets)) == []


def test_a_required_volume_that_is_missing_is_an_error(trouble: Trouble) -> None:
    guest = trouble.guest
    guest.write("/etc/blockstore/conf.d/required.yaml", b"volumes: {locked: {required: true}}\n", 0o600)
    guest.reboot()
    code, said = scenario.cloud_init(guest)
    assert (code, said["status"]) == (1, "error"), said
    assert any("required volumes are missing: locked" in error for error in said["errors"])
    assert "authentication refused" in " ".join(said["errors"])
    assert scenario.filesystem(guest, "/srv/good")["fstype"] == "ext4"


def test_the_next_boot_connects_a_refused_disk_only_when_it_is_looked_at_again(trouble: Trouble) -> None:
    """udev would give it the links of whatever volume has its serial, before anybody has looked."""
    guest, other, good = trouble.guest, trouble.volumes["other"].iqn, trouble.volumes["good"].iqn
    assert scenario.volume(guest, "other").result is Result.REFUSED
    startup = {each: guest.run(f"iscsiadm -m node -T {each} | grep node.startup").stdout.split()[-1] for each in (other, good)}
    assert startup == {other: "manual", good: "automatic"}
