"""One crash state, given to the next run: did it converge, and is the user's data still there?"""

from __future__ import annotations

import contextlib
import os
import subprocess
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blockstore.report import FilesystemReport, Result
from blockstore.run import ENVIRONMENT
from cc_blockstore.wish import FilesystemWish, Table
from tests.crash import gpt, private
from tests.crash.image import Image
from tests.crash.record import Recording
from tests.crash.scenario import Scenario
from tests.crash.states import State
from tests.crash.tree import restore
from tests.crash.user_data import USER_FILES, has_user_data, has_user_file
from tests.loop.disk import Disk, run
from tests.loop.instance import Done, Instance

CHECKS = {
    "ext4": ("e2fsck", "-fn"), "xfs": ("xfs_repair", "-n"), "btrfs": ("btrfs", "check", "--readonly"),
    "vfat": ("fsck.vfat", "-n"),
}  # fmt: skip
CONVERGED, STUCK, LOST = "converged", "stuck", "lost"


class Wrong(Exception):
    """What is not as it should be."""


@dataclass(frozen=True)
class Trial:
    """A state and the server's word about the volume at that time."""

    scenario: Scenario
    recording: Recording
    state: State
    blank: bool | None

    @property
    def data_expected(self) -> bool:
        return self.recording.data_expected(self.state.position)

    @property
    def checked(self) -> dict[str, tuple[str, ...]]:
        """How each type is checked. A vfat has no journal: while its user writes to it, nobody promises that it is sound."""
        writing = self.recording.after("done") <= self.state.position < self.recording.after("data")
        return {kind: argv for kind, argv in CHECKS.items() if not (writing and kind == "vfat")}


@dataclass(frozen=True)
class Verdict:
    """``kind`` is one of the three; ``reason`` says what was wrong. ``made``: what the next run made something with."""

    kind: str
    reason: str = ""
    made: tuple[str, ...] = ()


class StateDisk(Disk):
    """A disk with a crash state on it, shown as the kernel would show it: partitions only where it reads a table."""

    def attach(self, *, read_only: bool = False) -> None:
        argv = ("losetup", "--find", "--show", "--partscan", "--sector-size", str(self.sector), str(self.file))
        self.node = run(*argv).strip()
        self.check()
        with open(self.file, "rb") as file:
            shown = gpt.kernel_reads(lambda at, size: os.pread(file.fileno(), size, at), self.sector)
        if shown and not self.partitions:
            run("partx", "--add", self.node)

    @property
    def nodes(self) -> list[str]:
        """The device, and its partitions."""
        return [self.node, *self.partitions]

    def release(self, wishes: tuple[FilesystemWish, ...]) -> None:
        """Unmount and switch off, as a shutdown does."""
        used = [line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]]
        for node in {*used} & {*self.nodes}:
            run("swapoff", node)
        for wish in reversed(wishes):
            if wish.mount and os.path.ismount(wish.mount):
                run("umount", wish.mount)


def judge(trial: Trial, work: Path, alike: Verdict | None = None) -> Verdict:
    """Try it. ``work`` is a folder of this worker's own.

    ``alike`` is the verdict on the same state with another word of the server: where this run made the same, a further run and
    the file systems' own checks are not asked again.
    """
    disk, instance = StateDisk(work / "image", trial.scenario.sector), Instance(work / "root", trial.recording.volume_id)
    trial.state.image.save(disk.file, trial.recording.size)
    restore(trial.recording.trees[trial.state.tree], instance.root)
    made: list[str] = []
    private.boot()
    with _attached(disk, trial.scenario.after.filesystems):
        try:
            done = _comes_up(trial, disk, instance, made)
            if alike is None or (CONVERGED, tuple(made)) != (alike.kind, alike.made):
                _stays(trial, disk, instance, done)
            verdict = Verdict(CONVERGED, made=tuple(made))
        except Wrong as wrong:
            verdict = Verdict(STUCK, str(wrong))
        except Exception as error:
            verdict = Verdict(STUCK, f"{type(error).__name__}: {error}; {traceback.format_exc(limit=-2)}")
    lost = _lost(trial, disk, work, made) if trial.data_expected else ""
    return Verdict(LOST, f"{lost} ({verdict.reason or 'converged'})") if lost else verdict


@contextlib.contextmanager
def _attached(disk: StateDisk, wishes: tuple[FilesystemWish, ...]) -> Iterator[None]:
    try:
        disk.attach()
        yield
    finally:
        with contextlib.ExitStack() as ends:
            if disk.node:
                ends.callback(disk.detach)
                ends.callback(disk.release, wishes)


def _comes_up(trial: Trial, disk: StateDisk, instance: Instance, made: list[str]) -> Done:
    """Raise `Wrong` unless the next run leaves all as wished. ``made`` is added to."""
    scenario = trial.scenario
    done = scenario.next_run(instance, disk, scenario.after, trial.blank)
    made += done.processes.wrote
    if done.report.result is not Result.OK:
        raise Wrong(f"{done.report.result.value}: {done.report.reason}")
    placed = list(zip(scenario.after.filesystems, done.report.filesystems))
    if len(placed) != len(scenario.after.filesystems):
        raise Wrong(f"{len(placed)} file systems reported")
    for wish, found in placed:
        _as_wished(wish, found)
    if why := scenario.check(disk, done):
        raise Wrong(why)
    return done


def _stays(trial: Trial, disk: StateDisk, instance: Instance, done: Done) -> None:
    """Raise `Wrong` unless one more run changes nothing, and what is there is sound."""
    scenario = trial.scenario
    again = scenario.next_run(instance, disk, scenario.after, trial.blank)
    if again.report.result is not Result.OK or again.report.changed or again.processes.wrote:
        raise Wrong(f"a further run: {again.report.result.value}, changed {again.report.changed}, wrote {again.processes.wrote}")
    disk.release(scenario.after.filesystems)
    _sound(trial, disk, done.report.filesystems)


def _as_wished(wish: FilesystemWish, found: FilesystemReport) -> None:
    """The report's word is not enough: blkid and the kernel are asked."""
    seen = _blkid(found.device)
    if seen != {"TYPE": wish.type, "LABEL": wish.label, "UUID": found.uuid}:
        raise Wrong(f"on {found.device} blkid sees {seen}, wished {wish}, reported UUID {found.uuid}")
    if wish.mount and not _is_mounted(found.device, wish.mount):
        raise Wrong(f"{found.device} is not mounted at {wish.mount}")
    if wish.type == "swap" and f"{found.device} " not in Path("/proc/swaps").read_text():
        raise Wrong(f"{found.device} is not active swap")


def _blkid(node: str) -> dict[str, str]:
    argv = ("blkid", "-p", "-o", "export", "-s", "TYPE", "-s", "LABEL", "-s", "UUID", node)
    done = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {key: value for key, _, value in pairs if key != "DEVNAME"}


def _is_mounted(node: str, place: str) -> bool:
    """By the source's name: btrfs shows a device number of its own."""
    lines = (line.partition(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return any(left.split()[4] == place and right.split()[1] == node for left, _, right in lines)


def _sound(trial: Trial, disk: StateDisk, found: tuple[FilesystemReport, ...]) -> None:
    """Every file system passes its own read-only check, and the table is whole."""
    for each in found:
        if each.type in trial.checked:
            argv = (*trial.checked[each.type], each.device)
            done = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=60)
            if done.returncode != 0:
                raise Wrong(f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-300:]}")
    if trial.scenario.after.table is Table.GPT:
        with open(disk.node, "rb") as device:
            os.fsync(device.fileno())
        with open(disk.file, "rb") as file:
            count = len(trial.scenario.after.partitions)
            why = gpt.faults(lambda at, size: os.pread(file.fileno(), size, at), disk.size, disk.sector, count)
        if why:
            raise Wrong(why)


def _lost(trial: Trial, disk: StateDisk, work: Path, made: list[str]) -> str:
    """What is lost of the user's data, looked at by hand; "" for nothing. An untouched disk has lost nothing.

    That something was made anew counts by itself, since the new file system has the same UUID. (Swap holds no user's data, and
    is made anew when the volume has grown.)
    """
    over = [program for program in made if program != "mkswap"]
    if over:
        return f"{', '.join(over)} was started over user data"
    if Image.of(disk.file).digest == trial.state.image.digest:
        return ""
    with _attached(disk, ()):
        for wish, node in zip(trial.scenario.after.filesystems, _places(trial, disk)):
            if wish.type in USER_FILES and not _holds(node, wish, work / "look"):
                return f"the user's file on {node} is gone"
    return ""


def _places(trial: Trial, disk: StateDisk) -> list[str]:
    filesystems = trial.scenario.after.filesystems
    places = [disk.node] if trial.scenario.after.table is Table.NONE else disk.partitions
    return places if len(places) == len(filesystems) else [disk.node] * len(filesystems)


def _holds(node: str, wish: FilesystemWish, folder: Path) -> bool:
    if wish.type == "vfat":
        return has_user_file(node)
    folder.mkdir(exist_ok=True)
    argv = ("mount", "-t", wish.type, "-o", "ro", node, str(folder))
    if subprocess.run(argv, capture_output=True, env=ENVIRONMENT, check=False).returncode != 0:
        return False
    try:
        return has_user_data(folder)
    finally:
        run("umount", str(folder))
