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
            there = _listed(sys)
            # One that is being made says nothing of its target yet: it is read again at the next look.
            read = ((name, self._ends.get(name) or _end(sys, name)) for name in there)
            self._ends = {name: end for name, end in read if end.iqn and end.port}
            self._names = {end: name for name, end in reversed(self._ends.items())}
            return self._names

    def name(self, sys: Path, end: End) -> str:
        """The session to this end, "" for none. One that is known is asked whether it is still the one: no listing then."""
        known = self._names.get(end)
        if known and files.read(f"{sys}/class/iscsi_session/{known}/targetname") == end.iqn:
            return known
        return self.named(sys).get(end, "")


def _listed(sys: Path) -> list[str]:
    """Nothing where the kernel's module is not loaded."""
    return [name for name in files.names(f"{sys}/class/iscsi_session") if name.startswith("session")]


def _end(sys: Path, name: str) -> End:
    # The persistent address is the one in the record; the other is where a redirected login ended.
    folder = f"{sys}/class/iscsi_connection/{_connection(sys, name[7:])}"
    port = files.read(f"{folder}/persistent_port")
    return End(
        files.read(f"{sys}/class/iscsi_session/{name}/targetname"),
        files.read(f"{folder}/persistent_address").strip("[]"),
        int(port) if port.isdecimal() else 0,
    )


def _connection(sys: Path, number: str) -> str:
    """A session's connection: open-iscsi's have one, 0; a listing for each session is what is to be spared."""
    usual, every = f"connection{number}:0", f"{sys}/class/iscsi_connection"
    if os.path.exists(f"{every}/{usual}"):
        return usual
    return next((name for name in files.names(every) if name.startswith(f"connection{number}:")), usual)
