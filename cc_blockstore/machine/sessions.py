"""Where each of the kernel's sessions leads, read once a session: neither that nor its number ever changes.

With many volumes every look at one session would else be a look at all of them.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from blockstore.values import dataclass
from cc_blockstore.machine import files


@dataclass(frozen=True)
class End:
    """A target at a portal. The host stands without brackets."""

    iqn: str
    host: str
    port: int


class Sessions:
    """A memory of names. Whether a session lives, and in what state it is, is never remembered."""

    def __init__(self) -> None:
        self._ends: dict[str, End] = {}
        self._names: dict[End, str] = {}
        self._guard = threading.Lock()

    def named(self, sys: Path) -> dict[End, str]:
        """The name (``session7``) of the session to each end, by one listing of sysfs, mounted at ``sys``. Of two sessions to one
        end the first counts."""
        with self._guard:
            there = _listed(sys / "class/iscsi_session")
            # One that is being made says nothing of its target yet: it is read again at the next look.
            read = ((name, self._ends.get(name) or _end(sys, name)) for name in there)
            self._ends = {name: end for name, end in read if end.iqn and end.port}
            self._names = {end: name for name, end in reversed(self._ends.items())}
            return self._names

    def name(self, sys: Path, end: End) -> str:
        """The session to this end, "" for none. One that is known is asked whether it is still the one: no listing then."""
        known = self._names.get(end)
        if known and files.read(sys / "class/iscsi_session" / known / "targetname") == end.iqn:
            return known
        return self.named(sys).get(end, "")


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.startswith("session"))
    except OSError:
        return []  # the kernel's module is not loaded: no session


def _end(sys: Path, name: str) -> End:
    # The persistent address is the one in the record; the other is where a redirected login ended.
    number, every = name[7:], sys / "class/iscsi_connection"
    folder = every / f"connection{number}:0"
    if (
        not folder.exists()
    ):  # a listing for each session is what is to be spared, and open-iscsi's sessions have one connection, 0
        folder = next(every.glob(f"connection{number}:*"), folder)
    port = files.read(folder / "persistent_port")
    return End(
        files.read(sys / "class/iscsi_session" / name / "targetname"),
        files.read(folder / "persistent_address").strip("[]"),
        int(port) if port.isdecimal() else 0,
    )
