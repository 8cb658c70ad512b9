"""cloud-init's own NoCloud datasource, a static seed and a tgtd that our server did not make; then a bad document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from blockstore import iqn
from blockstore.report import Result
from testbed.guest import Guest
from testbed.image import SUITES
from testbed.seed import DUAL_NETWORK, StaticSeed
from testbed.target import ForeignTarget
from tests.vm import scenario
from tests.vm.scenario import StaticVolume

pytestmark = pytest.mark.newest

WISHES = {
    "data": {"mount": "/srv/data", "label": "data", "owner": "daemon:daemon", "mode": "0700"},
    "logs": {"partition_table": "none", "filesystem": "xfs", "mount": "/srv/logs"},
    "two": {"partitions": [{"size": "512MiB", "mount": "/srv/two"}, {"size": "rest", "filesystem": "swap"}]},
    "tree": {"partition_table": "none", "filesystem": "btrfs", "label": "tree", "mount": "/srv/with space"},
    "exchange": {"filesystem": "vfat", "label": "EXCHANGE", "mount": "/srv/exchange"},
}
BAD = """\
endpiont: http://10.0.2.2:1
initiator_name: Not An IQN
volumes:
  more: {mount: srv/more, filesystem: ext5}
"""


@dataclass
class Seeded:
    """The guest and its foreign volumes."""

    guest: Guest
    target: ForeignTarget
    volumes: dict[str, StaticVolume]


@pytest.fixture(scope="module", params=SUITES)
def seeded(request: pytest.FixtureRequest, new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    folder: Path = tmp_path_factory.mktemp(f"static-{request.param}")
    volumes = {name: StaticVolume.make(folder, name, mutual=name == "two") for name in (*WISHES, "bare")}
    with ForeignTarget(folder / "tgtd.log") as target:
        for volume in volumes.values():
            volume.export(target)
        # One of them names no serial: then its target and LUN are its identity.
        portals = {"tree": target.guest_portal_ipv6}
        attachments = [
            each.attachment(portals.get(name, target.guest_portal), serial=name != "logs") for name, each in volumes.items()
        ]
        document = {"attachments": attachments, "volumes": WISHES, "deadline": 120}
        seed = StaticSeed(instance_id="I_static 1", blockstore=document, network=DUAL_NETWORK).write(folder / "seed.iso")
        guest = new_module_guest(request.param, seed_iso=seed, datasources=["NoCloud", "None"], ipv6=True)
        guest.start()
        guest.wait_booted()
        yield Seeded(guest, target, volumes)
        guest.power_cut()


def test_boot_ends_done_without_a_warning(seeded: Seeded) -> None:
    code, said = scenario.cloud_init(seeded.guest)
    assert (code, said["status"]) == (0, "done"), said
    assert scenario.warnings(seeded.guest) == []
    assert "NoCloud" in said["detail"]


def test_every_layout_and_file_system_is_mounted(seeded: Seeded) -> None:
    guest = seeded.guest
    found = {each.name: (each.result, each.reason) for each in scenario.status(guest).volumes}
    assert found == dict.fromkeys(seeded.volumes, (Result.OK, ""))
    mounts = {name: scenario.filesystem(guest, f"/srv/{name}") for name in ("data", "logs", "two", "with space", "exchange")}
    assert {name: found["fstype"] for name, found in mounts.items()} == {
        "data": "ext4", "logs": "xfs", "two": "ext4", "with space": "btrfs", "exchange": "vfat"
    }  # fmt: skip
    assert (mounts["with space"]["label"], mounts["exchange"]["label"]) == ("tree", "EXCHANGE")
    assert guest.run("stat -c '%U:%G %a' /srv/data").stdout == "daemon:daemon 700\n"
    assert guest.run("swapon --show=NAME --noheadings").stdout != ""


def test_analyze_tells_the_boot_with_systemd_s_own_figures(seeded: Seeded) -> None:
    """Kernel, stages and the end of the boot to the millisecond; and the parts add up to the time until the last volume."""
    guest = seeded.guest
    told = json.loads(guest.run("COLUMNS=60 blockstore analyze --json --svg /tmp/boot.svg").stdout)
    rows = {each["name"]: each for each in told["boot"]}
    manager = _moments(guest, "", "Userspace", "Finish")
    assert _close(_end(rows["kernel"]), manager["Userspace"])
    assert _close(told["finished_ms"], manager["Finish"])
    for row, units in STAGES.items():
        found = [each for unit in units if (each := _moments(guest, unit, "InactiveExit", "ActiveEnter"))["ActiveEnter"]]
        assert _close(rows[row]["start_ms"], found[0]["InactiveExit"])
        assert _close(_end(rows[row]), found[0]["ActiveEnter"])
    assert rows["cloud-init: config"]["start_ms"] <= rows["blockstore"]["start_ms"]
    assert _end(rows["blockstore"]) <= _end(rows["cloud-init: config"])
    judged = told["verdict"]
    assert sum(each["ms"] for each in judged["phases"]) == judged["up_ms"]
    assert {each["name"] for each in told["volumes"]} == set(seeded.volumes)
    assert judged["up_ms"] == max(_end(step) for each in told["volumes"] for step in each["steps"])
    assert rows["blockstore"]["start_ms"] < judged["up_ms"] <= _end(rows["blockstore"]) + 1
    assert (told["clock"], told["notes"]) == ([], [])
    picture = ElementTree.fromstring(guest.read("/tmp/boot.svg"))
    assert picture.attrib["role"] == "img"
    assert judged["words"][0] in "".join(picture.itertext())


STAGES = {
    "cloud-init: local": ("cloud-init-local.service",),
    "cloud-init: network": ("cloud-init-network.service", "cloud-init.service"),
    "cloud-init: config": ("cloud-config.service",),
    "cloud-init: final": ("cloud-final.service",),
}


def _end(span: dict[str, int]) -> int:
    return span["start_ms"] + span["ms"]


def _close(found: float, wanted: float) -> bool:
    """Both in whole milliseconds, each rounded by itself."""
    return abs(found - wanted) <= 1.5


def _moments(guest: Guest, unit: str, *names: str) -> dict[str, float]:
    """Moments of systemd in milliseconds, read anew; of the manager for no unit."""
    wanted = ",".join(f"{name}TimestampMonotonic" for name in names)
    lines = guest.run(f"systemctl show --property={wanted} {unit}").stdout.splitlines()
    return {
        key.removesuffix("TimestampMonotonic"): int(value) / 1000 for key, _, value in (line.partition("=") for line in lines)
    }


def test_a_volume_nobody_wishes_anything_of_is_linked_and_untouched(seeded: Seeded) -> None:
    bare = seeded.volumes["bare"]
    assert seeded.guest.run(["test", "-b", f"/dev/disk/by-blockstore/{bare.id}"], check=False).code == 0
    assert bare.backing.stat().st_blocks == 0


def test_an_ipv6_portal_serves_as_well(seeded: Seeded) -> None:
    tree = seeded.volumes["tree"]
    session = next(line for line in seeded.guest.run("iscsiadm -m session").stdout.splitlines() if tree.iqn in line)
    assert f"[fec0::2]:{seeded.target.port}," in session


def test_files_reach_the_backing_files(seeded: Seeded) -> None:
    for name, path in (("tree", "/srv/with space"), ("exchange", "/srv/exchange")):
        seeded.guest.write(f"{path}/proof", b"written to " + name.encode() * 40)
        seeded.guest.run(["sync", "-f", path])
        assert scenario.holds(seeded.volumes[name].backing, b"written to " + name.encode() * 40)


def test_the_initiator_name_is_this_instance_s_own(seeded: Seeded) -> None:
    """Derived from an instance id that no IQN can spell; the image had none of its own."""
    name = iqn.derived("I_static 1")
    assert set(seeded.target.sessions(seeded.volumes["data"].iqn)) == {name}


def test_an_empty_device_that_something_holds_is_refused(seeded: Seeded) -> None:
    """A device-mapper device on it: the kernel's own word for "in use", which no signature shows."""
    guest, bare = seeded.guest, seeded.volumes["bare"]
    guest.run(f"dmsetup create holder --table '0 2048 linear /dev/disk/by-blockstore/{bare.id} 0'")
    guest.write("/etc/blockstore/conf.d/bare.yaml", b"volumes: {bare: {mount: /srv/bare}}\n", 0o600)
    scenario.single(guest)
    found = scenario.volume(guest, "bare")
    assert found.result is Result.REFUSED
    assert "in use by dm-" in found.reason
    assert bare.backing.stat().st_blocks == 0
    guest.run("dmsetup remove holder && rm /etc/blockstore/conf.d/bare.yaml")


def test_secrets_of_the_seed_rest_with_root_alone(seeded: Seeded) -> None:
    secrets = tuple(secret for volume in seeded.volumes.values() for secret in volume.secrets)
    assert scenario.leaks(seeded.guest, secrets) == []


def test_a_bad_document_tells_all_its_faults_and_the_boot_goes_on(seeded: Seeded) -> None:
    guest = seeded.guest
    guest.write("/etc/blockstore/conf.d/bad.yaml", BAD.encode(), 0o600)
    validated = guest.run("blockstore validate /etc/blockstore/conf.d/bad.yaml", check=False)
    assert validated.code == 2
    guest.run("truncate -s 0 /var/log/cloud-init.log")
    guest.reboot()
    faults = scenario.status(guest).faults
    assert [fault.split(":")[0] for fault in faults] == [
        "endpiont",
        "initiator_name",
        "volumes.more.filesystem",
        "volumes.more.mount",
    ]
    assert "did you mean 'endpoint'?" in faults[0]
    told = [line for line in scenario.warnings(guest) if "blockstore" in line]
    assert len(told) == 1
    assert all(fault in told[0] for fault in faults)
    assert validated.stdout.splitlines() == list(faults)
    # The volumes of before are there all the same, by open-iscsi and fstab.
    assert scenario.filesystem(guest, "/srv/data")["fstype"] == "ext4"
