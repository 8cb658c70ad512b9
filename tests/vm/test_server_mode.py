"""A guest and our metadata server, from the first boot through hot attach, busy detach and reboot: one life, told in order.

Each test is one chapter on the same guest; a chapter that fails leaves the later ones to say what else is broken.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from blockstore import iqn
from blockstore.report import Result
from testbed.guest import Guest
from testbed.image import SUITES
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer
from tests.vm import scenario

SLOW_RULE = "/run/udev/rules.d/00-slow.rules"
MKFS = "/usr/local/sbin/mkfs.ext4"
# What iscsid has of a busy processor, and the service of this very shell.
SHARES = """cd /sys/fs/cgroup/system.slice && cat iscsid.service/cpu.weight qemu-guest-agent.service/cpu.weight 2>/dev/null ||
    sed 's/.* //' /proc/$(head -n 1 iscsid.service/cgroup.procs)/autogroup /proc/self/autogroup"""
NEEDLE = b"a file that the guest wrote, 5d1c7f"
USER_DATA = """\
#cloud-config
blockstore:
  volumes:
    data: {mount: /srv/data, label: data, mode: "0750", options: [noatime]}
    logs: {partition_table: none, filesystem: xfs, mount: /srv/logs}
    two:
      partitions:
        - {size: 512MiB, filesystem: ext4, mount: /srv/two}
        - {size: rest, filesystem: swap}
"""


@dataclass
class Life:
    """The guest, its server, and what is known of both."""

    suite: str
    server: LocalServer
    guest: Guest
    instance: dict
    volumes: dict = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    uuids: dict = field(default_factory=dict)


@pytest.fixture(scope="module", params=SUITES)
def life(request: pytest.FixtureRequest, new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder: Path = tmp_path_factory.mktemp(f"server-{request.param}")
    with LocalServer(folder / "state") as server:
        instance = server.create_instance("web-1", user_data=USER_DATA, network_config=yaml.safe_dump(STATIC_NETWORK))
        volumes = {name: server.create_volume(name) for name in ("data", "logs", "two")}
        for name in volumes:
            server.attach(name, "web-1", mutual=name == "two")
        seed = server.seed("web-1", folder / "seed.iso")
        guest = new_module_guest(request.param, seed_iso=seed, datasources=["BlockStore", "None"])
        guest.start()
        guest.wait_booted()
        yield Life(request.param, server, guest, instance, volumes)


def test_first_boot_ends_done_without_a_warning(life: Life) -> None:
    code, said = scenario.cloud_init(life.guest)
    assert (code, said["status"]) == (0, "done"), said
    assert scenario.warnings(life.guest) == []
    assert "BlockStore" in said["detail"]


def test_three_volumes_are_mounted_as_wished(life: Life) -> None:
    report = scenario.status(life.guest)
    assert [(each.name, each.result, each.reason) for each in report.volumes] == [
        ("data", Result.OK, ""), ("logs", Result.OK, ""), ("two", Result.OK, "")
    ]  # fmt: skip
    data, logs, two = (scenario.filesystem(life.guest, f"/srv/{name}") for name in ("data", "logs", "two"))
    assert (data["fstype"], data["label"]) == ("ext4", "data")
    assert data["source"].endswith("1")
    assert "noatime" in data["options"]
    assert logs["fstype"] == "xfs"
    assert two["fstype"] == "ext4"
    assert life.guest.run("stat -c %a /srv/data").stdout == "750\n"
    swaps = life.guest.run("swapon --show=NAME --noheadings").stdout.split()
    assert swaps == [two["source"][:-1] + "2"]
    life.uuids.update({name: scenario.filesystem(life.guest, f"/srv/{name}")["uuid"] for name in ("data", "logs", "two")})


def test_a_file_of_the_guest_is_in_the_backing_file(life: Life) -> None:
    for name in ("data", "logs", "two"):
        life.guest.write(f"/srv/{name}/proof", NEEDLE + name.encode())
        life.guest.run(f"sync -f /srv/{name}")
        assert scenario.holds(life.server.volume_file(life.volumes[name]["id"]), NEEDLE + name.encode()), name


def test_links_record_and_initiator_name(life: Life) -> None:
    guest = life.guest
    for name, each in life.volumes.items():
        by_name, by_id = (guest.run(["readlink", "-f", f"/dev/disk/by-blockstore/{key}"]).stdout for key in (name, each["id"]))
        assert by_name == by_id
        assert by_name.strip() == scenario.volume(guest, name).device
    expected = iqn.derived(life.instance["id"])
    assert f"InitiatorName={expected}\n" in guest.read("/etc/iscsi/initiatorname.iscsi").decode()
    records = guest.run("find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f 2>/dev/null || :").stdout.split()
    assert len(records) == 3
    for record in records:
        assert guest.run(["stat", "-c", "%a %u", record]).stdout == "600 0\n"
        assert f"iface.initiatorname = {expected}\n" in guest.read(record).decode()
    names = guest.run("cat /sys/class/iscsi_session/*/initiatorname").stdout.split()
    assert names == [expected] * 3


def test_the_server_heard_of_it(life: Life) -> None:
    report = life.server.report("web-1")
    assert report is not None
    assert [(each["name"], each["result"]) for each in report["volumes"]] == [("data", "ok"), ("logs", "ok"), ("two", "ok")]
    assert {each["status"] for each in life.server.cli("volume", "list")} == {"in-use"}


def test_a_rerun_changes_nothing_and_starts_no_process(life: Life) -> None:
    """strace sees every execve and every request of `cloud-init single`, children included."""
    guest = life.guest
    before = guest.read("/etc/fstab")
    # cloud-init starts a few programs itself, whatever the module: those of one that has nothing to do are taken off.
    idle = _programs(_traced(guest, "timezone"))
    lines = _traced(guest, "blockstore")
    assert _programs(lines) - idle == Counter()
    requests = [line for line in lines if any(f'"{method} /v1/' in line for method in ("GET", "PUT", "POST", "DELETE"))]
    assert len(requests) == 1, requests
    assert '"GET /v1/attachments ' in requests[0]
    report = scenario.status(guest)
    assert report.healthy
    assert not report.changed
    assert guest.read("/etc/fstab") == before


def _traced(guest: Guest, module: str) -> list[str]:
    trace = f"strace -f --seccomp-bpf -qq -s 4096 -o /root/{module}.trace -e trace=execve,sendto,sendmsg,write"
    assert guest.run(f"{trace} cloud-init single --name {module} --frequency always", timeout=400).code == 0
    return guest.read(f"/root/{module}.trace").decode(errors="replace").splitlines()


def _programs(trace: list[str]) -> Counter[str]:
    """The programs that were started, by path and how often."""
    return Counter(line.split('"')[1] for line in trace if "execve(" in line and line.endswith("= 0"))


def test_a_volume_attached_while_the_guest_runs_is_mounted_before_udev_has_seen_it(life: Life) -> None:
    guest = life.guest
    guest.write(SLOW_RULE, b'SUBSYSTEM=="block", KERNEL=="sd*", PROGRAM="/bin/sleep 100"\n')
    guest.run("udevadm control --reload")
    # Its wishes come from the server, as volume metadata.
    wishes = {"blockstore.mount": "/srv/late", "blockstore.label": "late", "blockstore.options": "noatime,nodiratime"}
    life.volumes["late"] = life.server.create_volume("late", metadata=wishes)
    life.server.attach("late", "web-1")
    guest.write(MKFS, f'#!/bin/sh\n{{ {SHARES}; }} >/run/shares\nexec /usr/sbin/mkfs.ext4 "$@"\n'.encode(), 0o755)
    # Every command line of a first use is recorded, for the chapter on secrets.
    trace = "strace -f --seccomp-bpf -qq -s 65536 -v -o /root/first-use.trace -e trace=execve"
    guest.run(f"{trace} cloud-init single --name blockstore --frequency always", timeout=400)
    guest.run(f"rm {MKFS}")
    late = scenario.volume(guest, "late")
    assert (late.result, late.reason) == (Result.OK, "")
    node = guest.run("findmnt --noheadings --output SOURCE /srv/late").stdout.strip()
    for known in ("tentative", "plugged"):
        assert guest.run(f"systemctl show --property=SubState $(systemd-escape --path --suffix=device {node})").stdout == (
            f"SubState={known}\n"
        )
        guest.run("systemctl daemon-reload && sleep 1")
        assert guest.run("findmnt --noheadings --output SOURCE /srv/late").stdout.strip() == node
        guest.run(f"rm -f {SLOW_RULE}; udevadm control --reload; pkill -x sleep; udevadm settle --timeout=200", timeout=240)


def test_meanwhile_the_processor_went_first_to_the_module_and_to_iscsid(life: Life) -> None:
    """Where services share by weight (trixie) and where their sessions do (bookworm); afterwards all is as it was."""
    meanwhile, now = life.guest.run("cat /run/shares").stdout.split(), life.guest.run(SHARES).stdout.split()
    assert (meanwhile, now) in ((["1000", "1000"], ["100", "100"]), (["-10", "-10"], ["0", "0"]))


def test_a_volume_has_its_wishes_from_the_server(life: Life) -> None:
    late = scenario.filesystem(life.guest, "/srv/late")
    assert (late["fstype"], late["label"]) == ("ext4", "late")
    assert "nodiratime" in late["options"]
    untouched = [each for each in scenario.status(life.guest).volumes if each.name != "late"]
    assert not any(each.changed for each in untouched)


def test_no_secret_is_anywhere(life: Life) -> None:
    seed = yaml.safe_load(life.guest.run("cat /var/lib/blockstore/*.yaml | grep -h token").stdout.splitlines()[0])
    passwords = life.guest.run(
        "grep -rhE '^node.session.auth.password(_in)? = ' /etc/iscsi/nodes /var/lib/iscsi/nodes 2>/dev/null | sed 's/.* = //'"
    ).stdout.split()
    assert len(passwords) == 5  # four volumes, one of them mutual
    life.secrets = (seed["token"], *passwords)
    assert scenario.leaks(life.guest, life.secrets) == []
    trace = life.guest.read("/root/first-use.trace").decode(errors="replace")
    assert "mkfs.ext4" in trace
    assert not [secret for secret in life.secrets if secret in trace]
    pickle = life.guest.read("/var/lib/cloud/instance/obj.pkl")
    assert not [secret for secret in life.secrets if secret.encode() in pickle]
    log = life.server.log.read_text()
    assert not [secret for secret in life.secrets if secret in log]


def test_a_busy_volume_is_refused_and_the_process_named(life: Life) -> None:
    guest = life.guest
    life.server.detach("late")
    pid = guest.run("cd /srv/late && setsid sleep 3000 >/dev/null 2>&1 & echo $!").stdout.strip()
    scenario.single(guest)
    late = scenario.volume(guest, "late")
    assert late.result is Result.REFUSED
    assert "/srv/late" in late.reason
    assert "sleep" in late.reason
    assert scenario.filesystem(guest, "/srv/late") != {}
    guest.run(f"kill {pid} || pkill -x sleep; while pgrep -x sleep; do :; done")


def test_a_detached_volume_is_gone_without_a_trace(life: Life) -> None:
    guest, late = life.guest, life.volumes["late"]["id"]
    guest.run("echo last words >/srv/late/words")
    assert scenario.single(guest) == 0
    assert scenario.filesystem(guest, "/srv/late") == {}
    assert late not in guest.read("/etc/fstab").decode()
    assert late not in guest.run("iscsiadm -m session").stdout
    assert guest.run(f"ls -d /etc/iscsi/nodes/*{late} /var/lib/iscsi/nodes/*{late} 2>/dev/null || :").stdout == ""
    assert guest.run(f"ls /dev/disk/by-blockstore/{late} /dev/disk/by-blockstore/late 2>/dev/null || :").stdout == ""
    assert scenario.holds(life.server.volume_file(late), b"last words")
    shown = next(each for each in life.server.cli("volume", "list") if each["id"] == late)
    assert shown["status"] == "available"
    assert scenario.filesystem(guest, "/srv/data") != {}


def test_a_guest_s_io_goes_on_when_tgtd_is_killed(life: Life) -> None:
    """The server starts another one with the same exports and secrets; the guest's sessions recover by themselves."""
    before = life.server.tgtd_pid
    life.server.end_tgtd()
    life.guest.run("echo written through the gap >/srv/data/gap && sync -f /srv/data", timeout=180)
    assert life.server.tgtd_pid != before
    assert scenario.holds(life.server.volume_file(life.volumes["data"]["id"]), b"written through the gap")


def test_a_reboot_needs_no_metadata_server(life: Life) -> None:
    """open-iscsi and fstab bring the volumes back; the instance stays itself, nothing is formatted."""
    guest = life.guest
    life.server.kill()  # its tgtd lives on
    guest.reboot()
    assert {name: scenario.filesystem(guest, f"/srv/{name}").get("uuid") for name in life.uuids} == life.uuids
    for name in life.uuids:
        assert guest.read(f"/srv/{name}/proof") == NEEDLE + name.encode()
    assert guest.read("/run/cloud-init/.instance-id").decode().strip() == life.instance["id"]
    assert guest.run("ls /var/lib/cloud/instances").stdout.split() == [life.instance["id"]]
    code, said = scenario.cloud_init(guest)
    assert (code, said["status"]) == (0, "done"), said
    report = scenario.status(guest)
    assert all(each.result is Result.OK for each in report.volumes)
    assert any("no answer from" in note for note in report.notes)
    assert guest.run("swapon --show=NAME --noheadings").stdout.split() != []


def test_the_server_comes_back_and_a_rerun_is_healthy(life: Life) -> None:
    life.server.start()
    # tgtd was taken over: the guest's sessions never saw the change.
    assert scenario.single(life.guest) == 0
    report = scenario.status(life.guest)
    assert report.healthy
    assert report.notes == ()


def test_nothing_readable_on_the_server_holds_a_secret(life: Life) -> None:
    """The database holds what it must export again; nobody else may read it, and no token rests in it."""
    database = life.server.state / "state.db"
    assert database.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        dump = json.dumps(list(connection.iterdump()))
    token = life.secrets[0]
    assert token not in dump


def test_shutdown_is_clean(life: Life) -> None:
    life.guest.shutdown()
    log = life.guest.boot_console
    assert "Failed unmounting" not in log
