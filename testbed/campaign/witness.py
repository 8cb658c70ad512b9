"""The witness in the guest: how it gets there, and what it said on the console."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testbed.initrd import File

_PROGRAM = Path(__file__).parent.parent / "files/witness.py"
_UNIT = """\
[Unit]
Description=Witness of what was flushed
After=sysinit.target

[Service]
ExecStart=/usr/bin/python3 -S /usr/local/lib/testbed/witness.py
"""
_DROP_IN = "[Unit]\nWants=testbed-witness.service\n"
_SAID = re.compile(r"^witness (found|kept|failed) (\S+) (\S+) (\S+)\r?\n", re.MULTILINE)


def injected() -> dict[str, bytes | File]:
    """The files that make it run at every boot."""
    return {
        "/usr/local/lib/testbed/witness.py": _PROGRAM.read_bytes(),
        "/etc/systemd/system/testbed-witness.service": _UNIT.encode(),
        "/etc/systemd/system/basic.target.d/witness.conf": _DROP_IN.encode(),
    }


def numbered(power_on: int) -> dict[str, bytes | File]:
    """What tells it which power-on this is."""
    return {"/etc/testbed/power-on": f"{power_on}\n".encode()}


@dataclass
class Testimony:
    """What one boot's console says so far: by mount point the file system's UUID and the witnesses found and kept."""

    uuids: dict[str, str] = field(default_factory=dict)
    found: dict[str, frozenset[int]] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def heard(console: str) -> Testimony:
    """Read the console of one boot; a line that was cut off does not count."""
    said = Testimony()
    for verb, place, uuid, numbers in _SAID.findall(console):
        if verb == "failed":
            said.failed.append(f"{place}: mounted at power-on {numbers}, and not to be written to (errno {uuid})")
            continue
        said.uuids[place] = uuid
        if verb == "found":
            said.found[place] = frozenset(int(each) for each in numbers.split(",") if each != "none")
        else:
            said.kept[place] = int(numbers)
    return said


@dataclass
class Memory:
    """All that was ever kept in a cycle. `contradictions` compares a boot with it before it is added."""

    uuids: dict[str, str] = field(default_factory=dict)
    kept: dict[str, set[int]] = field(default_factory=dict)

    def contradictions(self, said: Testimony) -> list[str]:
        """What this boot shows to be lost."""
        lost = []
        for place, numbers in self.kept.items():
            gone = numbers - said.found.get(place, numbers) - {said.kept.get(place)}
            if gone:
                lost.append(f"{place}: the files written at power-on {', '.join(map(str, sorted(gone)))} are gone or changed")
            uuid = said.uuids.get(place, self.uuids[place])
            if uuid != self.uuids[place]:
                lost.append(f"{place}: the file system had UUID {self.uuids[place]} and has {uuid}")
        return lost

    def add(self, said: Testimony) -> None:
        """Remember what this boot has kept."""
        for place, number in said.kept.items():
            self.uuids.setdefault(place, said.uuids[place])
            self.kept.setdefault(place, set()).add(number)

    def used(self, mounts: Mapping[str, str]) -> bool:
        """Whether every file system was mounted at some boot."""
        return self.kept.keys() >= mounts.keys()
