"""What is mounted and what is active swap, from /proc."""

from __future__ import annotations

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mount_table import unescaped
from cc_blockstore.plan.mount import Mounted


def mounts(machine: Machine) -> tuple[Mounted, ...]:
    """/proc/self/mountinfo (proc_pid_mountinfo(5)), in the order of mounting: the last one on a point is what one sees.

    The device is found by its number where it has one: the source column says what mount(8) was called with.
    """
    return machine.mounted.read(files.read(f"{machine.paths.proc}/self/mountinfo"), machine.paths.sys)


def swaps(machine: Machine) -> tuple[str, ...]:
    """/proc/swaps (proc_swaps(5)): the active swap devices."""
    lines = files.read(f"{machine.paths.proc}/swaps").splitlines()[1:]
    return tuple(unescaped(line.split()[0]) for line in lines)
