"""How long the kernel has run: what power-on is, as far as an instance can tell."""

from __future__ import annotations

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine


def milliseconds(machine: Machine) -> int:
    """Since the kernel started, suspended time included (proc_uptime(5)); 0 where it cannot be read."""
    seconds, _, hundredths = files.read(machine.paths.proc / "uptime").partition(" ")[0].partition(".")
    return int(seconds) * 1000 + int(hundredths) * 10 if seconds.isdecimal() and hundredths.isdecimal() else 0
