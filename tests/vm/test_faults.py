"""Faults while a guest runs: the portal, the server, the module and the disks fail under it, one chapter after the other.

Each test is one chapter on the same guest; what a user sees of each is told in docs/operating.md, "When something fails".
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from blockstore import iqn
from blockstore.report import Result
from testbed.guest import Completed, Guest
from testbed.seed import STATIC_NETWORK
from testbed.server import LocalServer
from tests.vm import load, scenario
from tests.vm.load import Writer

SILENT = 30
# What hangs is ended by systemd after 90 s (DefaultTimeoutStopSec). An emulated guest among others takes 10 to 30.
SHUTDOWN = 75
USER_DATA = """\
#cloud-config
blockstore:
  deadline: 90
  volumes:
    data: {mount: /srv/data, label: data}
    logs: {partition_table: none, filesystem: xfs, mount: /srv/logs}
"""


@dataclass
class Running:
    """The guest, its server, and what was known of both in the beginning."""

    server: LocalServer
    guest: Guest
    instance: dict
    uuids: dict[str, str]

    def attach(self, name: str) -> Path:
        """A new volume that is to be mounted below /srv; its backing file."""
        made = self.server.create_volume(name, metadata={"blockstore.mount": f"/srv/{name}"})
        self.server.attach(name, "faulty-7c1e")
        return self.server.volume_file(made["id"])

    def apply(self) -> Completed:
        """A run of the module."""
        return self.guest.run("blockstore apply --json", check=False, timeout=300)

    def untouched(self) -> bool:
        """Whether the volumes of the first boot are mounted, and still the same file systems."""
        return {name: scenario.filesystem(self.guest, f"/srv/{name}").get("uuid") for name in self.uuids} == self.uuids


@pytest.fixture(scope="module")
def running(new_module_guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("faults")
    with LocalServer(folder / "state") as server:
        instance = server.create_instance("faulty-7c1e", user_data=USER_DATA, network_config=yaml.safe_dump(STATIC_NETWORK))
        for name in ("data", "logs"):
            server.create_volume(name)
            server.attach(name, "faulty-7c1e")
        seed = server.seed("faulty-7c1e", folder / "seed.iso")
        guest = new_module_guest("trixie", seed_iso=seed, datasources=["BlockStore", "None"])
        guest.start()
        guest.wait_booted()
        uuids = {name: scenario.filesystem(guest, f"/srv/{name}")["uuid"] for name in ("data", "logs")}
        yield Running(server, guest, instance, uuids)
        guest.power_cut()


def results(done: Completed) -> dict[str, tuple[str, bool]]:
    """Of a run: by volume its result, and whether it was changed."""
    return {each["name"]: (each["result"], each["changed"]) for each in json.loads(done.stdout)["volumes"]}


def faults(done: Completed) -> dict[str, str]:
    """Of a run: by volume why it did not come up."""
    return {each["name"]: each["reason"] for each in json.loads(done.stdout)["volumes"] if each["result"] != "ok"}


def test_a_silent_portal_and_a_killed_tgtd_cost_time_and_no_write(running: Running) -> None:
    """SIGSTOP: the portal takes connections and never answers, for longer than open-iscsi's two pings of 5 s."""
    writers = [Writer(running.guest, f"/srv/{name}/load") for name in ("data", "logs")]
    before = running.server.tgtd_pid
    os.kill(before, signal.SIGSTOP)
    time.sleep(SILENT)
    os.kill(before, signal.SIGCONT)
    for each in writers:
        each.goes_on()
    running.server.end_tgtd()
    for each in writers:
        each.goes_on()
    assert running.server.tgtd_pid != before
    for each in writers:
        written = each.stop()
        assert (written.error, each.damaged()) == ("", "")
        assert written.longest > SILENT * 0.9
        assert written.blocks > 3
        each.clear()
    assert running.untouched()


def test_a_full_volume_is_its_own_trouble_alone(running: Running) -> None:
    guest = running.guest
    guest.run("fallocate -l $(($(df --output=avail -B1 /srv/logs | tail -n 1) - 1048576)) /srv/logs/filler; sync -f /srv/logs")
    filled = guest.run("dd if=/dev/zero of=/srv/logs/rest bs=64k count=64", check=False)
    assert "No space left" in filled.stderr
    done = running.apply()
    assert (done.code, results(done)) == (0, {"data": ("ok", False), "logs": ("ok", False)})
    guest.run("rm /srv/logs/filler /srv/logs/rest && echo there is room >/srv/logs/room && sync -f /srv/logs")


def test_two_runs_at_once_and_a_clock_that_jumps(running: Running) -> None:
    """One waits for the other; neither of them measures time by a clock that somebody may set."""
    guest = running.guest
    running.attach("twice")
    both = "for n in 1 2; do (blockstore apply --json >/run/twice.$n 2>&1; echo $? >/run/twice.$n.code) & done"
    jumps = "sleep 1.5; date -s '+1 year'; sleep 1.5; date -s '-2 years'; sleep 1; date -s '+1 year'"
    guest.run(f"{both}; {jumps}; wait", timeout=300)
    assert guest.run("cat /run/twice.?.code").stdout.split() == ["0", "0"]
    changed = [results(Completed(0, guest.read(f"/run/twice.{n}").decode(), ""))["twice"] for n in (1, 2)]
    assert sorted(changed) == [("ok", False), ("ok", True)]
    assert scenario.filesystem(guest, "/srv/twice")["fstype"] == "ext4"


def test_a_run_without_the_server_says_so_and_changes_nothing(running: Running) -> None:
    running.server.kill()  # its tgtd lives on
    done = running.apply()
    assert done.code == 0
    assert not any(changed for _, changed in results(done).values())
    assert any("no answer from" in note for note in scenario.status(running.guest).notes)
    running.server.start()
    assert running.apply().code == 0
    assert scenario.status(running.guest).notes == ()


def test_a_full_and_a_read_only_root_stop_a_first_use_before_it_begins(running: Running) -> None:
    """Nothing is formatted that could not be remembered; what is mounted stays; afterwards it is all made up for."""
    guest, backing = running.guest, running.attach("later")
    guest.run(
        "fallocate -l $(($(df --output=avail -B1 / | tail -n 1) - 65536)) /filler; dd if=/dev/zero of=/rest bs=512; sync",
        check=False,
    )
    _stopped(running, backing, "No space left on device")
    guest.run("rm -f /filler /rest")
    guest.run("mount -o remount,ro,bind /")  # the mount alone: for the file system too much is open
    _stopped(running, backing, "Read-only file system")
    guest.run("mount -o remount,rw,bind /")
    done = running.apply()
    assert faults(done) == {}
    assert results(done)["later"] == ("ok", True)


def _stopped(running: Running, backing: Path, why: str) -> None:
    done = running.apply()
    assert done.code == 1, done
    assert why in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert running.untouched()
    assert backing.stat().st_blocks == 0


def test_the_module_killed_anywhere_is_made_up_for_by_the_next_run(running: Running) -> None:
    guest = running.guest
    running.attach("killed")
    for milliseconds in (900, 1500, 2100, 2700, 3300):
        # The whole group: the module and whatever it had started, iscsiadm with its lock included.
        guest.run(f"setsid -w timeout -s KILL {milliseconds / 1000} blockstore apply", check=False)
    done = running.apply()
    assert (done.code, faults(done)) == (0, {})
    assert not any(changed for _, changed in results(running.apply()).values())
    assert scenario.filesystem(guest, "/srv/killed")["fstype"] == "ext4"


def test_a_lock_that_a_killed_iscsiadm_left_behind_is_survived(running: Running) -> None:
    """iscsiadm takes such a lock for its own after 30 s (idbm.c); the module does where no iscsiadm runs."""
    running.attach("locked")
    running.guest.run("cd /run/lock/iscsi && ln lock lock.write")
    done = running.apply()
    running.guest.run("rm -f /run/lock/iscsi/lock.write && blockstore apply")
    assert faults(done) == {}


def test_a_killed_mkfs_is_a_failure_that_the_next_run_finishes(running: Running) -> None:
    running.attach("halved")
    load.hunt(running.guest, "mkfs.ext4")
    done = running.apply()
    [(name, reason)] = faults(done).items()
    assert (done.code, name) == (1, "halved")
    assert "mkfs.ext4" in reason
    done = running.apply()
    assert faults(done) == {}
    assert results(done)["halved"] == ("ok", True)
    assert running.untouched()


def test_a_shutdown_under_load_is_quick_and_clean(running: Running) -> None:
    guest = running.guest
    for name in ("data", "logs"):
        Writer(guest, f"/srv/{name}/load")
    begun = time.monotonic()
    guest.shutdown()
    assert time.monotonic() - begun < SHUTDOWN
    assert "Failed unmounting" not in guest.boot_console


def test_a_reboot_without_the_server_needs_no_replay(running: Running) -> None:
    guest = running.guest
    running.server.kill()
    guest.start()
    guest.wait_booted()
    assert running.untouched()
    told = guest.run("dmesg | grep -iE 'recover(y|ing)|replay|unclean' | grep -v vda || :").stdout
    assert told == ""
    report = scenario.status(guest)
    assert all(each.result is Result.OK for each in report.volumes)
    assert any("no answer from" in note for note in report.notes)
    running.server.start()


def test_an_image_of_it_has_no_name_and_no_secret_of_it(running: Running) -> None:
    guest = running.guest
    records = "cat /etc/iscsi/nodes/*/*/* /var/lib/iscsi/nodes/*/*/* 2>/dev/null"
    passwords = guest.run(f"{records} | sed -n 's/^node.session.auth.password = //p'").stdout.split()
    token = yaml.safe_load(guest.run("cat /var/lib/blockstore/*.yaml | grep -h token").stdout.splitlines()[0])["token"]
    assert len(passwords) >= 2
    guest.run("cloud-init clean --logs --seed")
    names = (running.instance["id"], iqn.derived(running.instance["id"]))  # the host name is cloud-init's, which keeps it
    everywhere = "find / -xdev -type f -not -path '/srv/*' -size -16M -print0"
    for words in ((token, *passwords), names):
        guest.write("/run/words", "".join(f"{word}\n" for word in words).encode(), 0o600)
        found = guest.run(f"{everywhere} | xargs -0 grep -alF -f /run/words -- || :", timeout=240).stdout.split()
        assert found == []
