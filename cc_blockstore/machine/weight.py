"""The processor goes first to those who bring the volumes up, while everybody waits for them.

udev, woken by each new disk, is a service of its own, and the kernel gives every service the same share of a busy processor: half
of it would go to looks at disks that are not complete yet. Niceness counts within a service only (sched(7)).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from types import TracebackType

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine

# Of cgroup v2's 1 to 10000; everybody has 100 (Documentation/admin-guide/cgroup-v2.rst, cpu.weight).
WEIGHT = 1000
# The same where it is sessions that share (sched(7), "The autogroup feature"): a tenth for the others.
NICE = -10


class Precedence:
    """Until the end of the `with` block. Nothing stands on it: systemd may put its own values back at any time, and where nothing
    can be set nothing is."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._groups = f"{machine.paths.sys}/fs/cgroup"
        self._before: dict[str, str] = {}
        self._raised: set[str] = set()

    def __enter__(self) -> Precedence:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for share, value in self._before.items():
            with contextlib.suppress(OSError):
                files.tell(share, value)

    def own(self) -> None:
        """For this process, and what it starts."""
        lines = files.read(f"{self._machine.paths.proc}/self/cgroup").splitlines()
        group = next((line[4:] for line in lines if line.startswith("0::/")), "")
        self._raise(f"{self._groups}/{group}", "self")

    def service(self, unit: str) -> None:
        """For a service of systemd, if it runs."""
        group = f"{self._groups}/system.slice/{unit}"
        process = "" if group in self._raised else files.read(f"{group}/cgroup.procs").partition("\n")[0]
        if process:
            self._raise(group, process)

    def _raise(self, group: str, process: str) -> None:
        self._raised.add(group)
        if os.path.exists(f"{group}/cpu.weight"):
            self._set(f"{group}/cpu.weight", WEIGHT, max)
        else:
            self._set(f"{self._machine.paths.proc}/{process}/autogroup", NICE, min)

    def _set(self, share: str, value: int, better: Callable[[int, int], int]) -> None:
        """Nobody loses what an administrator gave."""
        with contextlib.suppress(OSError, ValueError):
            before = int(files.read(share).rpartition(" ")[2])  # "100", "/autogroup-71 nice 0"
            if better(before, value) != before:
                files.tell(share, str(value))
                self._before[share] = str(before)
