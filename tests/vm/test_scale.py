"""Many volumes in one guest: they come up, memory and open files stay flat, and dead portals cost nobody else anything.

The volumes come in rounds, each a run of the module in a process of its own that is measured. Emulated, a login takes half a
second to some seconds, so the round of 128 is run with --every-suite alone.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from blockstore import report
from blockstore.report import Report, Result, VolumeReport
from testbed.guest import File, Guest
from testbed.seed import StaticSeed
from testbed.target import ForeignTarget
from tests.vm import scenario
from tests.vm.conftest import BootGuest
from tests.vm.scenario import StaticVolume

ROUNDS, ALL_ROUNDS = (4, 8, 12), (4, 8, 12, 128)
DEAD = 5
# A file system is half a second too; the first round's are enough to show that they come up.
FORMATTED = 4
# In these rounds are dead portals, which last until the deadline; that of the many has the time that emulated logins need.
WITH_DEAD = {12: 75, 128: 300}
ALONE = 900
# iscsid's own work for a login grows with the sessions that are there: with 128 it is four times that with 8 (docs/scaling.md).
GROWTH = {12: 2, 128: 3}
# A thread has its own heap (malloc(3), arenas), and there are 32 of them at most.
KIB_A_THREAD, KIB_A_VOLUME, FILES_IN_ALL, THREADS_IN_ALL = 512, 48, 150, 40

MEASURED = b"""\
import contextlib, io, json, os, resource, sys, threading, time
from cc_blockstore import command
most = {"files": 0, "threads": 0}
def watch():
    while True:
        most["files"] = max(most["files"], len(os.listdir("/proc/self/fd")))
        most["threads"] = max(most["threads"], threading.active_count())
        time.sleep(0.02)
threading.Thread(target=watch, daemon=True).start()
begun = time.monotonic()
with contextlib.redirect_stdout(io.StringIO()):
    code = command.main(["apply", "--json"])
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({**most, "code": code, "rss_kib": rss, "seconds": time.monotonic() - begun}))
"""


@dataclass
class Round:
    """One run: what it cost, and what it reported."""

    cost: dict[str, Any]
    report: Report

    def volume(self, name: str) -> VolumeReport:
        return next(each for each in self.report.volumes if each.name == name)

    def last(self, names: list[str]) -> int:
        """When the last of these had ended, in ms from the begin."""
        return max(map(self.ended, names))

    def ended(self, name: str) -> int:
        return max(step.start_ms + step.ms for step in self.volume(name).steps)


@dataclass
class Fleet:
    """The guest and its volumes."""

    guest: Guest
    names: list[str]
    dead: list[str]
    rounds: dict[int, Round] = field(default_factory=dict)

    def run(self, attachments: dict[str, dict[str, Any]], count: int) -> None:
        dead, deadline = self.dead if count in WITH_DEAD else [], WITH_DEAD.get(count, ALONE)
        chosen = [*dead, *self.names[:count]]
        wishes = {name: {"partition_table": "none", "mount": f"/srv/{name}"} for name in self.names[:FORMATTED]}
        document = {"attachments": [attachments[name] for name in chosen], "volumes": wishes, "deadline": deadline}
        self.guest.write("/etc/blockstore/conf.d/fleet.yaml", json.dumps(document).encode(), 0o600)
        cost = json.loads(self.guest.run(["python3", "/usr/local/lib/testbed/measured.py"], timeout=deadline + 120).stdout)
        self.rounds[count] = Round(cost, report.from_wire(json.loads(self.guest.read("/run/blockstore/status.json"))))
        print(f"{count} volumes, {len(dead)} dead: {cost}")


@pytest.fixture(scope="module")
def fleet(
    request: pytest.FixtureRequest, new_module_guest: BootGuest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    folder: Path = tmp_path_factory.mktemp("scale")
    rounds = ALL_ROUNDS if request.config.getoption("--every-suite") else ROUNDS
    names, dead = [f"v{number:03}" for number in range(rounds[-1])], [f"dead{number}" for number in range(DEAD)]
    volumes = {name: StaticVolume.make(folder, name) for name in (*names, *dead)}
    with ForeignTarget(folder / "tgtd.log") as target, socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()  # connections are taken, and never a word said
        nowhere = f"10.0.2.2:{mute.getsockname()[1]}"
        for name in names:
            volumes[name].export(target)
        attachments = {name: each.attachment(nowhere if name in dead else target.guest_portal) for name, each in volumes.items()}
        seed = StaticSeed().write(folder / "seed.iso")
        guest = new_module_guest(
            "trixie",
            seed_iso=seed,
            datasources=["NoCloud", "None"],
            injected={"/usr/local/lib/testbed/measured.py": File(MEASURED)},
        )
        guest.start()
        guest.wait_booted()
        fleet = Fleet(guest, names, dead)
        for count in rounds:
            fleet.run(attachments, count)
        yield fleet
        guest.power_cut()


def test_all_come_up(fleet: Fleet) -> None:
    for count, each in fleet.rounds.items():
        assert {name: each.volume(name).reason for name in fleet.names[:count] if each.volume(name).result is not Result.OK} == {}
    links = fleet.guest.run("ls /dev/disk/by-blockstore").stdout.split()
    assert set(fleet.names) <= set(links)
    assert scenario.filesystem(fleet.guest, f"/srv/{fleet.names[FORMATTED - 1]}")["fstype"] == "ext4"


def test_memory_and_files_stay_flat(fleet: Fleet) -> None:
    first = fleet.rounds[ROUNDS[0]].cost
    for count, each in fleet.rounds.items():
        threads = max(0, each.cost["threads"] - first["threads"])
        allowed = KIB_A_THREAD * threads + KIB_A_VOLUME * (count - ROUNDS[0])
        assert each.cost["rss_kib"] - first["rss_kib"] <= allowed + KIB_A_THREAD, (count, each.cost, first)
        assert each.cost["files"] <= FILES_IN_ALL
        assert each.cost["threads"] <= THREADS_IN_ALL


def test_dead_portals_are_told_at_their_deadline_and_cost_the_others_nothing(fleet: Fleet) -> None:
    alone = fleet.rounds[ROUNDS[1]].last(fleet.names[ROUNDS[0] : ROUNDS[1]]) / (ROUNDS[1] - ROUNDS[0])
    for before, count in pairwise(fleet.rounds):
        if count not in WITH_DEAD:
            continue
        found, new = fleet.rounds[count], fleet.names[before:count]
        for name in fleet.dead:
            assert found.volume(name).result is Result.FAILED
            assert "no answer from 10.0.2.2:" in found.volume(name).reason
            assert found.ended(name) <= (WITH_DEAD[count] + 5) * 1000
        assert found.cost["code"] == 1
        # New volumes without the dead ones, and beside them.
        assert found.last(new) <= alone * len(new) * GROWTH[count] + 5000, (alone, found.last(new))
        assert found.last(fleet.names[:count]) < min(map(found.ended, fleet.dead))
