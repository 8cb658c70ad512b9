"""Many volumes: what is read grows with their number and no faster, threads and files do not, and who waits keeps nobody up."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import VolumeReport
from cc_blockstore import bootstrap, bring_up
from tests.unit.fakes import FakeClock, FakeMachine, FakeRunner

LOGIN = ("iscsiadm", "-m", "node", "--loginall=onboot")
FEW, MANY = 6, 36
# What is done once for all volumes makes the few look dearer; what is done for each pair would make the many so.
TOLERANCE = 1.15
DEAD = "10.0.0.9"


class Audit:
    """Counts the files that are opened and the folders that are listed below one folder, and what is open at a time."""

    def __init__(self) -> None:
        self.root, self.seen, self.guard = "", Counter(), threading.Lock()  # type: ignore[var-annotated]

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.root or event not in ("open", "os.listdir", "os.scandir", "readlink"):
            return
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
        if path.startswith(self.root):
            with self.guard:
                self.seen[path.removeprefix(self.root).partition("/")[0]] += 1


AUDIT = Audit()
sys.addaudithook(AUDIT)  # for good: Python takes none away again


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Audit]:
    readlink = os.readlink
    monkeypatch.setattr(os, "readlink", lambda path, **more: AUDIT("readlink", (path,)) or readlink(path, **more))
    AUDIT.seen.clear()
    yield AUDIT
    AUDIT.root = ""


@dataclass
class Fleet:
    """A machine with so many volumes of a static document, each with a file system and a mount point of its own."""

    fake: FakeMachine
    names: list[str]
    dead: set[str] = field(default_factory=set)
    threads: int = 0
    files: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, root: Path, count: int, dead: int = 0) -> Fleet:
        fleet = cls(FakeMachine(root, FakeRunner(), FakeClock()), [f"v{number:03}" for number in range(count)])
        fleet.dead = set(fleet.names[:dead])
        return fleet

    def path(self, name: str) -> IscsiPath:
        return IscsiPath(Portal(DEAD if name in self.dead else "10.0.0.1"), f"iqn.2010-10.org.openstack:volume-{name}", 1)

    def point(self, name: str) -> Path:
        return self.fake.root.parent / f"{self.fake.root.name}-srv" / name

    @property
    def alive(self) -> list[str]:
        return [name for name in self.names if name not in self.dead]

    def document(self, names: list[str]) -> dict[str, Any]:
        connections = {name: self.path(name) for name in names}
        return {
            "attachments": [
                {
                    "volume": {"id": name, "name": name, "serial": name, "blank": True},
                    "connection_info": {
                        "driver_volume_type": "iscsi", "target_portal": str(path.portal), "target_iqn": path.iqn, "target_lun": 1,
                    },
                }
                for name, path in connections.items()
            ],
            "volumes": {name: {"partition_table": "none", "mount": str(self.point(name))} for name in names},
        }  # fmt: skip

    def first_use(self) -> None:
        """What a first run is to start, and what the kernel then shows."""
        sessions, hidden = self.fake.root / "sys/class/iscsi_session", self.fake.root / "sys/class/hidden"
        for number, name in enumerate(self.names, 1):
            if name not in self.dead:
                self.fake.lun(self.fake.session(self.path(name), number), self.disk(name), serial=name)
                self._formats(f"/dev/{self.disk(name)}", self.point(name))
        sessions.rename(hidden)
        self.fake.runner.expect(*LOGIN, then=lambda command: hidden.rename(sessions), code=4 if self.dead else 0)

    def disk(self, name: str) -> str:
        return f"sd{name}"

    def _formats(self, node: str, point: Path) -> None:
        runner = self.fake.runner
        runner.expect("blkid", "-p", "-o", ..., node, code=2)
        runner.expect("wipefs", "--no-act", "--noheadings", "--output", "TYPE,OFFSET", node)
        runner.expect(
            "mkfs.ext4", "-q", "-E", "nodiscard", "-U", ..., node,
            then=lambda command: self.fake.udev(Path(node).name, ID_FS_TYPE="ext4", ID_FS_UUID=command.argv[5]),
        )  # fmt: skip
        runner.expect("mount", "-t", "ext4", "-o", "_netdev", node, str(point), then=lambda command: self._mounted(node, point))

    def _mounted(self, node: str, point: Path) -> None:
        number = (self.fake.root / "sys/class/block" / Path(node).name / "dev").read_text().strip()
        table, new = self.fake.root / "proc/self/mountinfo", self.fake.root / "proc/self/mountinfo.new"
        with self.guard:  # one at a time, and whole to whoever reads it meanwhile
            new.write_text(f"{table.read_text()}40 22 {number} / {point} rw,relatime - ext4 {node} rw\n")
            new.rename(table)
        self.threads = max(self.threads, threading.active_count())
        self.files = max(self.files, len(os.listdir("/proc/self/fd")))

    def run(self, names: list[str] | None = None) -> dict[str, VolumeReport]:
        document = self.document(self.names if names is None else names)
        verdict = bootstrap.run(self.fake.machine, {"blockstore": document}, {}, "i-1")
        return {each.name: each for each in verdict.report.volumes}


def counted(audit: Audit, fleet: Fleet, names: list[str] | None = None) -> Counter[str]:
    audit.seen.clear()
    audit.root = f"{fleet.fake.root}/"
    fleet.run(names)
    audit.root = ""
    return Counter(audit.seen)


def each_volume(audit: Audit, root: Path, count: int) -> dict[str, Counter[str]]:
    """What is opened and listed: at the first run, at a healthy one, and where all are to be taken down."""
    fleet = Fleet.of(root, count)
    fleet.first_use()
    found = {"first": counted(audit, fleet), "healthy": counted(audit, fleet)}
    fleet.fake.runner.check()
    for number, name in enumerate(fleet.names, 1):
        _taken_down(fleet, name, number)
    return found | {"down": counted(audit, fleet, [])}


def _taken_down(fleet: Fleet, name: str, number: int) -> None:
    runner, path = fleet.fake.runner, fleet.path(name)
    runner.expect("umount", str(fleet.point(name)), then=lambda command: fleet.fake.unmounted(fleet.point(name)))
    logout = ("iscsiadm", "-m", "node", "-T", path.iqn, "-p", str(path.portal), "--logout")
    runner.expect(*logout, then=lambda command: fleet.fake.end_session(number))


def test_what_is_read_grows_no_faster_than_the_volumes(audit: Audit, tmp_path: Path):
    few, many = (each_volume(audit, tmp_path / str(count), count) for count in (FEW, MANY))
    for run, seen in few.items():
        for folder in ("sys", "proc", "run", "var"):
            assert many[run][folder] / MANY <= seen[folder] / FEW * TOLERANCE, (run, folder, seen, many[run])
    assert many["first"]["sys"] > MANY, "it was counted"


def test_threads_and_open_files_do_not_grow_with_the_volumes(tmp_path: Path):
    most = {}
    for count in (36, 60):
        fleet = Fleet.of(tmp_path / str(count), count)
        fleet.first_use()
        assert all(each.result.value == "ok" for each in fleet.run().values())
        most[count] = (fleet.threads, fleet.files)
        assert fleet.threads <= bring_up.MOST + threading.active_count() + 2
    assert most[60][1] <= most[36][1] + 2 * bring_up.MOST
    assert most[60][1] < 3 * bring_up.MOST + 20


@pytest.mark.parametrize("dead", [5, 36])
def test_dead_portals_keep_nobody_up_however_many_they_are(tmp_path: Path, dead: int):
    """More of them than there are threads: whoever waits for a login takes none."""
    fleet = Fleet.of(tmp_path / "a", 48, dead)
    fleet.first_use()
    runner = fleet.fake.runner
    login = next(each for each in runner.expected if each.argv == LOGIN)
    show, clock, begun = login.then, fleet.fake.clock, fleet.fake.clock.now

    def until_the_deadline(command: Any) -> None:
        assert show is not None
        show(command)
        while clock.now < begun + 50:
            clock.sleep(0.01)

    login.then = until_the_deadline
    found = fleet.run()
    assert {name for name, each in found.items() if each.result.value == "failed"} == fleet.dead
    assert all(f"{DEAD}:3260" in found[name].reason for name in fleet.dead)
    ended = [max(step.start_ms + step.ms for step in found[name].steps) for name in fleet.alive]
    waited = [step.ms for name in fleet.dead for step in found[name].steps]
    assert max(ended) < min(waited), "all others were mounted before the first dead one was given up"
    assert min(waited) >= 49_000
