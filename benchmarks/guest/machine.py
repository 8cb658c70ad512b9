"""What the measurements share inside the guest: a look at the mounts, and the way back to a machine without volumes."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from job import Volume

RECORDS = Path("/var/lib/iscsi/nodes")
SESSIONS = Path("/sys/class/iscsi_session")
FSTAB, PRISTINE = Path("/etc/fstab"), Path("/run/benchmark/fstab")
PATIENCE = 300.0
LOOK, IDLE = 1.0, 0.9


def run(*argv: str, ok: tuple[int, ...] = (0,)) -> str:
    """Run a program to its end; its standard output."""
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode not in ok:
        raise RuntimeError(f"{argv[:3]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def sessions() -> Mapping[str, Path]:
    """The sessions of the kernel that are logged in, by target."""
    found = {}
    for folder in SESSIONS.glob("session*"):
        try:
            if (folder / "state").read_text() == "LOGGED_IN\n":
                found[(folder / "targetname").read_text().strip()] = folder
        except OSError:
            continue
    return found


def disk(session: Path, lun: int) -> str:
    """The name of a LUN's disk ("sda"); "" while it is not there."""
    for block in session.glob(f"device/target*/*:{lun}/block/*"):
        if (Path("/dev") / block.name).exists() and (block / "size").read_text() != "0\n":
            return block.name
    return ""


def problem(volumes: Iterable[Volume]) -> str:
    """What is not as it should be: every mount point has a partition, with ext4, of the disk with the volume's serial."""
    there = {words[4]: words for words in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())}
    for volume in volumes:
        words = there.get(volume.mount)
        if words is None:
            return f"nothing is mounted on {volume.mount}"
        partition = Path("/sys/dev/block", words[2]).resolve()
        if words[words.index("-") + 1] != "ext4" or not (partition / "partition").exists():
            return f"{volume.mount} is no partition with ext4: {' '.join(words)}"
        serial = (partition.parent / "device/vpd_pg80").read_bytes()[4:].decode()
        if serial.strip(" \0") != volume.serial:
            return f"{volume.mount} is the disk {serial!r}, not {volume.serial!r}"
    return ""


@contextlib.contextmanager
def foremost(service: str) -> Iterator[None]:
    """Have this service and that one come before all others on a busy processor (cpu.weight of cgroup v2)."""
    own = Path("/proc/self/cgroup").read_text().strip().removeprefix("0::")
    weights = [Path(f"/sys/fs/cgroup{group}/cpu.weight") for group in (own, f"/system.slice/{service}")]
    before = [each.read_text() for each in weights]
    for each in weights:
        each.write_text("1000")
    try:
        yield
    finally:
        for each, value in zip(weights, before):
            each.write_text(value)


def reset() -> None:
    """Back to a machine that never had a volume: no mount, no session, no record, nothing that anybody remembers."""
    if not PRISTINE.exists():
        PRISTINE.parent.mkdir(exist_ok=True)
        shutil.copy(FSTAB, PRISTINE)
    # What the module launched and did not wait for is over then; else it would log in again behind our back.
    run("systemctl", "start", "open-iscsi.service")
    points = [words[4] for words in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())]
    for point in [each for each in points if each.startswith("/srv/")]:
        run("umount", point)
    if any(SESSIONS.glob("session*")):
        run("iscsiadm", "-m", "node", "--logoutall=all", ok=(0, 15, 21))
    _wait_for_no_session()
    for folder in (RECORDS, Path("/run/blockstore"), Path("/var/lib/blockstore"), Path("/srv")):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    shutil.copy(PRISTINE, FSTAB)
    run("systemctl", "daemon-reload")
    run("udevadm", "settle", "--timeout=300")
    run("sync")


def _wait_for_no_session() -> None:
    end = time.monotonic() + PATIENCE
    while any(SESSIONS.glob("session*")):
        if time.monotonic() > end:
            raise RuntimeError("sessions are left")
        time.sleep(0.05)


def rest() -> None:
    """Wait until the machine has nothing to do: systemd and udev go on with new volumes long after whoever brought them up."""
    end = time.monotonic() + PATIENCE
    while _idle_share() < IDLE:
        if time.monotonic() > end:
            raise RuntimeError("the machine does not come to rest")


def _idle_share() -> float:
    before = _ticks()
    time.sleep(LOOK)
    spent = [after - earlier for after, earlier in zip(_ticks(), before)]
    return spent[3] / max(sum(spent), 1)


def _ticks() -> list[int]:
    """Of all processors together: user, nice, system, idle, … (proc_stat(5))."""
    return [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:]]
