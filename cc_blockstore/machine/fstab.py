"""Our lines of fstab, and telling systemd of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from blockstore.run import Command
from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import mount as plan
from cc_blockstore.plan.mount import FstabEntry


def update(machine: Machine, wanted: Mapping[str, Iterable[FstabEntry]]) -> bool:
    """Let fstab hold exactly these lines for these volumes (by id). True where it changed.

    All volumes in one write and one daemon-reload: a generator run costs more than a mount. systemd must know that a line is
    gone before a mount point of it is used again, or it unmounts what is bound to the device of the old line; that is waited
    for. Of lines that are new it only has to hear: what they name is mounted already; from the line's `_netdev` systemd knows to
    unmount it while the network is there. Raises OSError, of an fstab that is there and cannot be read, too: its lines would be
    lost.
    """
    path = machine.paths.fstab
    before = _lines(path)
    text = plan.fstab_with(before, wanted)
    if text == before:
        return False
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
    files.write(path.resolve(), text, mode)
    reload_systemd(machine, machine.launch if plan.only_adds(before, text) else partial(machine.run, timeout=60))
    return True


def _lines(path: Path) -> str:
    try:
        return files.exact(path)
    except FileNotFoundError:
        return ""


def points(machine: Machine, volume_id: str) -> tuple[str, ...]:
    """The mount points that fstab has for this volume: where it belonged until now."""
    return plan.points(files.read_exact(machine.paths.fstab) or "", volume_id)


def all_points(machine: Machine) -> tuple[str, ...]:
    """The mount points that fstab has for all volumes of ours."""
    return plan.points(files.read_exact(machine.paths.fstab) or "")


def reload_systemd(machine: Machine, do: Callable[[Command], object]) -> None:
    """Have systemd read its units and fstab again, where it runs (sd_booted(3))."""
    if (machine.paths.root / "run/systemd/system").is_dir():
        do(Command(("systemctl", "daemon-reload")))


def loaded(machine: Machine, point: str, volume_id: str) -> bool:
    """Whether systemd has a mount unit for this point and this volume, made by its generator from our line of fstab."""
    unit = machine.paths.root / "run/systemd/generator" / plan.unit_name(point)
    options = (line.partition("=")[2] for line in files.read(unit).splitlines() if line.startswith("Options="))
    return any(f"{plan.MARKER}{volume_id}" in line.split(",") for line in options)
