"""What is mounted and what is active swap, from /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

from cc_blockstore.machine import files
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.mount import Mounted

_OCTAL = re.compile(r"\\([0-7]{3})")


def mounts(machine: Machine) -> tuple[Mounted, ...]:
    """/proc/self/mountinfo (proc_pid_mountinfo(5)), in the order of mounting: the last one on a point is what one sees.

    The device is found by its number where it has one: the source column says what mount(8) was called with.
    """
    found = []
    for line in files.read(machine.paths.proc / "self/mountinfo").splitlines():
        words, _, rest = line.partition(" - ")
        fields, (kind, source, *more) = words.split(" "), rest.split(" ")
        node = _node(machine, fields[2]) or _unescaped(source)
        options = (*fields[5].split(","), *(more[0].split(",") if more else ()))
        found.append(Mounted(node, _unescaped(fields[4]), kind, options))
    return tuple(found)


def _node(machine: Machine, number: str) -> str:
    """/dev/sda1 for 8:1; "" for numbers that no block device has (btrfs has one of its own for each mount)."""
    try:
        return f"/dev/{Path(os.readlink(machine.paths.sys / 'dev/block' / number)).name}"
    except OSError:
        return ""


def swaps(machine: Machine) -> tuple[str, ...]:
    """/proc/swaps (proc_swaps(5)): the active swap devices."""
    lines = files.read(machine.paths.proc / "swaps").splitlines()[1:]
    return tuple(_unescaped(line.split()[0]) for line in lines)


def _unescaped(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)
