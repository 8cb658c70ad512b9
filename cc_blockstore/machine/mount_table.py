"""What the lines of mountinfo mean (proc_pid_mountinfo(5)); each line is understood once, for as long as it stands there.

While a mount lasts, its line says the same and its device keeps its number and its name: the kernel gives neither to another as
long as somebody uses them. With many volumes, asking sysfs for each mount at every look would be most of the module's work.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cc_blockstore.plan.mount import Mounted

_OCTAL = r"\\([0-7]{3})"


class MountTable:
    """The lines of the last look, by their text."""

    def __init__(self) -> None:
        self._known: dict[str, Mounted] = {}
        self._last: tuple[str, tuple[Mounted, ...]] = ("", ())

    def read(self, text: str, sys: Path) -> tuple[Mounted, ...]:
        """What its lines mean, in their order. ``sys`` is where sysfs is mounted."""
        before, meant = self._last
        if text == before:
            return meant
        known = self._known
        found = {line: known.get(line) or _mounted(line, sys) for line in text.splitlines()}
        meant = tuple(found[line] for line in text.splitlines())
        # Another thread may put its own in place: both are right.
        self._known, self._last = found, (text, meant)
        return meant


def _mounted(line: str, sys: Path) -> Mounted:
    words, _, rest = line.partition(" - ")
    fields, (kind, source, *more) = words.split(" "), rest.split(" ")
    node = _node(sys, fields[2]) or unescaped(source)
    options = (*fields[5].split(","), *(more[0].split(",") if more else ()))
    return Mounted(node, unescaped(fields[4]), kind, options)


def _node(sys: Path, number: str) -> str:
    """/dev/sda1 for 8:1; "" for numbers that no block device has (btrfs has one of its own for each mount)."""
    try:
        return f"/dev/{os.path.basename(os.readlink(f'{sys}/dev/block/{number}'))}"
    except OSError:
        return ""


def unescaped(text: str) -> str:
    """A field as the kernel meant it: blanks and the like are written in octal."""
    return re.sub(_OCTAL, lambda match: chr(int(match.group(1), 8)), text) if "\\" in text else text
