"""What the lines of mountinfo mean (proc_pid_mountinfo(5)); each line is understood once, for as long as it stands there.

While a mount lasts, its line says the same and its device keeps its number and its name: the kernel gives neither to another as
long as somebody uses them. With many volumes, asking sysfs for each mount at every look would be most of the module's work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cc_blockstore.plan.mount import Mounted

_OCTAL = re.compile(r"\\([0-7]{3})")


class MountTable:
    """The lines of the last look, by their text."""

    def __init__(self) -> None:
        self._known: dict[str, Mounted] = {}

    def read(self, lines: Sequence[str], sys: Path) -> tuple[Mounted, ...]:
        """What these lines mean, in their order. ``sys`` is where sysfs is mounted."""
        known = self._known
        found = {line: known.get(line) or _mounted(line, sys) for line in lines}
        self._known = found  # another thread may put its own in place: both are right
        return tuple(found[line] for line in lines)


def _mounted(line: str, sys: Path) -> Mounted:
    words, _, rest = line.partition(" - ")
    fields, (kind, source, *more) = words.split(" "), rest.split(" ")
    node = _node(sys, fields[2]) or unescaped(source)
    options = (*fields[5].split(","), *(more[0].split(",") if more else ()))
    return Mounted(node, unescaped(fields[4]), kind, options)


def _node(sys: Path, number: str) -> str:
    """/dev/sda1 for 8:1; "" for numbers that no block device has (btrfs has one of its own for each mount)."""
    try:
        return f"/dev/{Path(os.readlink(sys / 'dev/block' / number)).name}"
    except OSError:
        return ""


def unescaped(text: str) -> str:
    """A field as the kernel meant it: blanks and the like are written in octal."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)
