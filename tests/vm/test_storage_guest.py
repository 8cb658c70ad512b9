"""A machine that serves volumes of an LVM thin pool through LIO, and an instance on a cable to it: one life, told in order."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from blockstore.report import Result
from testbed.guest import Guest
from testbed.kind import STORAGE
from testbed.link import Link
from tests.vm import scenario, storage
from tests.vm.storage import Storage

pytestmark = pytest.mark.newest

GROUP_BYTES = 12 << 30
USER_DATA = """\
#cloud-config
blockstore:
  deadline: 120
  volumes:
    data: {mount: /srv/data}
    safe: {partition_table: none, filesystem: xfs, mount: /srv/safe}
    copy: {mount: /srv/copy}
"""

# One volume with CHAP, one with mutual CHAP, for one instance.
REGISTERED = """\
words = {{"name": "web-1", "user_data": {user_data!r}, "network_config": {network!r}}}
answer = {{"web-1": client.post("/instances", {{"instance": words}})["instance"]["id"]}}
for name in ("data", "safe"):
    answer[name] = make(name=name, size=1)
    attach(answer[name], answer["web-1"], **{{"blockstore:mutual_chap": name == "safe"}})
"""
# A guest's physical volume in one of our volumes, and another in a volume of somebody else.
PROBES = """\
for name in blockstore-probe probe; do
    lvcreate -qq -kn -V 64m --thinpool pool -n $name vg
    pvcreate -qq --config 'devices { scan_lvs=1 global_filter=["a|.*|"] }' /dev/vg/$name
done
"""


@dataclass
class Pair:
    """Both guests, and what is known of them."""

    storage: Storage
    guest: Guest
    refused: str
    ids: dict[str, str] = field(default_factory=dict)
    snapshot: str = ""

    def apply(self) -> list[dict[str, Any]]:
        """``blockstore apply`` in the instance; its volumes."""
        done = self.guest.run("blockstore apply --json", check=False, timeout=300)
        found: list[dict[str, Any]] = json.loads(done.stdout)["volumes"]
        return found

    def word(self, mount: str) -> str:
        """What the file on a volume says."""
        return self.guest.read(f"{mount}/word").decode()

    def say(self, mount: str, word: str) -> None:
        """Write it, and have it on the disk."""
        self.guest.run(f"echo {word} >{mount}/word && sync -f {mount}")


@pytest.fixture(scope="module")
def pair(new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder: Path = tmp_path_factory.mktemp("storage")
    disk = folder / "group.raw"
    disk.touch()
    os.truncate(disk, GROUP_BYTES)
    with Link() as link:
        host = new_module_guest("trixie", name="storage", kind=STORAGE, **storage.options(link.plugs[0], disk))
        host.start()
        host.wait_booted()
        served = Storage(host)
        served.make_pool()
        refused = served.refusal()
        [line] = re.findall(r"devices \{ global_filter = .* \}", refused)
        host.run(["sh", "-c", f'printf "%s\\n" "$1" >>{storage.LVM_CONF}', "sh", line])
        served.start()
        ids = served.ask(REGISTERED.format(user_data=USER_DATA, network=yaml.safe_dump(storage.instance_network())))
        host.run("blockstore-server seed web-1 -o /run/seed.iso")
        seed = folder / "seed.iso"
        seed.write_bytes(host.read("/run/seed.iso"))
        host.run("setsid tcpdump -i eth1 -s 0 -c 200 -w /run/login.pcap tcp port 3260 >/dev/null 2>&1 </dev/null &")
        guest = new_module_guest("trixie", name="instance", seed_iso=seed, datasources=["BlockStore", "None"], plug=link.plugs[1])
        guest.start()
        guest.wait_booted()
        yield Pair(served, guest, refused, ids)


def test_without_the_filter_the_server_does_not_start_and_says_what_to_add(pair: Pair) -> None:
    assert "no global_filter rejects it" in pair.refused
    assert "Traceback" not in pair.refused
    # The very line was added to lvm.conf by the fixture, and the server runs.
    assert pair.storage.guest.run("systemctl is-active blockstore-server").stdout == "active\n"


def test_a_guest_s_physical_volume_is_none_of_the_host_s(pair: Pair) -> None:
    """Even where the host is told to scan its own volumes."""
    host = pair.storage.guest
    host.run(PROBES)
    seen = host.run("pvs --noheadings -o pv_name --config devices/scan_lvs=1").stdout.split()
    assert sorted(seen) == ["/dev/vdb", "/dev/vg/probe"]
    host.run("lvremove -qq -y vg/blockstore-probe vg/probe")


def test_the_instance_has_its_volumes(pair: Pair) -> None:
    report = scenario.status(pair.guest)
    assert [(each.name, each.result, each.reason) for each in report.volumes] == [
        ("data", Result.OK, ""),
        ("safe", Result.OK, ""),
    ]
    assert [scenario.filesystem(pair.guest, f"/srv/{name}")["fstype"] for name in ("data", "safe")] == ["ext4", "xfs"]
    assert pair.storage.exported() == {pair.ids["data"], pair.ids["safe"]}
    pair.say("/srv/data", "before")


def test_the_login_was_chap_with_sha256(pair: Pair) -> None:
    """On the wire: offered and taken is number 7 (RFC 7143, section 13.11; IANA), and the response has 32 bytes."""
    login = pair.storage.guest.read("/run/login.pcap")
    assert set(re.findall(rb"CHAP_A=([0-9,]+)", login)) == {b"7"}
    assert all(len(found) == 64 for found in re.findall(rb"CHAP_R=0x([0-9a-fA-F]+)", login))
    assert len(re.findall(rb"CHAP_R=", login)) >= 3  # two instance to target, and one back: "safe" is mutual
    records = pair.guest.run("cat $(find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f 2>/dev/null)").stdout
    assert records.count("node.session.auth.chap_algs = SHA256\n") == 2


def test_another_initiator_or_secret_is_refused(pair: Pair) -> None:
    record = pair.guest.run(
        f"cat $(find /etc/iscsi/nodes /var/lib/iscsi/nodes -type f 2>/dev/null | grep {pair.ids['data']})"
    ).stdout
    words = dict(re.findall(r"^(\S+) = (.*)$", record, re.MULTILINE))
    right = {
        "initiator": words["iface.initiatorname"], "user": words["node.session.auth.username"],
        "password": words["node.session.auth.password"],
    }  # fmt: skip
    assert pair.ids["data"] in pair.storage.inquiry(pair.ids["data"], **right)
    for wrong in ({"initiator": "iqn.2018-12.com.leftasexercise:other"}, {"password": "x" * 32}, {"user": "somebody"}):
        assert "failure" in pair.storage.inquiry(pair.ids["data"], **{**right, **wrong})
    assert right["password"] not in pair.storage.guest.run("journalctl -u blockstore-server -o cat").stdout


def test_a_snapshot_in_use_becomes_a_second_volume_that_is_told_apart(pair: Pair) -> None:
    pair.snapshot = pair.storage.ask(
        f"wish = {{'volume_id': {pair.ids['data']!r}, 'force': True}}\n"
        "taken = client.post('/v3/snapshots', {'snapshot': wish})['snapshot']['id']\n"
        "answer = settled('snapshot', taken)['id']"
    )
    pair.say("/srv/data", "after")
    pair.ids["copy"] = pair.storage.ask(
        f"answer = make(name='copy', snapshot_id={pair.snapshot!r}, size=2)\nattach(answer, {pair.ids['web-1']!r})"
    )
    found = {each["name"]: each for each in pair.apply()}
    assert found["copy"]["result"] == "ok", found
    assert (pair.word("/srv/copy"), pair.word("/srv/data")) == ("before\n", "after\n")
    data, copy = (scenario.filesystem(pair.guest, f"/srv/{name}") for name in ("data", "copy"))
    assert data["uuid"] == copy["uuid"]
    assert data["source"] != copy["source"]
    # It was made larger than its source, and its file system followed.
    assert int(pair.guest.run("findmnt -bno SIZE --mountpoint /srv/copy").stdout) > 1900 << 20


def test_a_volume_in_use_grows_and_its_session_stays(pair: Pair) -> None:
    sessions = pair.guest.run("ls /sys/class/iscsi_session").stdout
    assert pair.storage.ask(f"answer = act({pair.ids['data']!r}, os_extend={{'new_size': 2}})['size']") == 2
    found = {each["name"]: each for each in pair.apply()}
    assert found["data"]["changed"], found
    assert int(pair.guest.run("findmnt -bno SIZE --mountpoint /srv/data").stdout) > 1900 << 20
    assert pair.guest.run("ls /sys/class/iscsi_session").stdout == sessions
    assert pair.word("/srv/data") == "after\n"


def test_a_volume_in_use_is_not_reverted(pair: Pair) -> None:
    refused = pair.storage.ask(
        "from blockstore.errors import BlockstoreError\n"
        f"try:\n    act({pair.ids['data']!r}, revert={{'snapshot_id': {pair.snapshot!r}}})\n"
        "except BlockstoreError as error:\n    answer = str(error)"
    )
    assert "must be detached before it is reverted" in refused
    assert pair.word("/srv/data") == "after\n"


def test_a_revert_that_is_killed_is_finished_and_other_sessions_go_on(pair: Pair) -> None:
    """The server dies where there is no volume of that name, but its old and its new bytes under others."""
    host = pair.storage
    host.guest.run("blockstore-server detach data --no-wait", timeout=300)
    pair.apply()
    assert host.exported() == {pair.ids["safe"], pair.ids["copy"]}
    sessions = pair.guest.run("ls /sys/class/iscsi_session").stdout
    host.dies_at("backend: put in its place", f"act({pair.ids['data']!r}, revert={{'snapshot_id': {pair.snapshot!r}}})")
    pair.say("/srv/copy", "survived")
    assert pair.guest.run("ls /sys/class/iscsi_session").stdout == sessions
    found = host.ask(f"answer = settled('volume', {pair.ids['data']!r})\nattach(answer['id'], {pair.ids['web-1']!r})")
    assert (found["status"], found["size"]) == ("available", 2)
    volumes = {f"blockstore-volume-{pair.ids[name]}" for name in ("data", "safe", "copy")}
    assert host.logical_volumes() == {*volumes, f"blockstore-snapshot-{pair.snapshot}", "pool"}
    assert host.exported() == {pair.ids["safe"], pair.ids["copy"]}


def test_a_server_killed_before_a_target_is_open_opens_it_when_it_is_back(pair: Pair) -> None:
    host = pair.storage
    host.guest.write("/run/kill-at", b"target: enable")
    pair.apply()
    host.wait_back()
    found = {each["name"]: each for each in pair.apply()}
    assert found["data"]["result"] == "ok", found
    # The snapshot's bytes, in a volume that keeps the size that it had grown to.
    assert pair.word("/srv/data") == "before\n"
    assert int(pair.guest.run("findmnt -bno SIZE --mountpoint /srv/data").stdout) > 1900 << 20
    assert host.exported() == {pair.ids[name] for name in ("data", "safe", "copy")}


def test_stopped_it_exports_nothing(pair: Pair) -> None:
    pair.guest.shutdown()
    pair.storage.guest.run("systemctl stop blockstore-server")
    assert pair.storage.exported() == set()
    assert pair.storage.guest.run("systemctl show -P Result blockstore-server").stdout == "success\n"
