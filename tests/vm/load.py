"""Writers in a guest: blocks with their checksums, each flushed before the next; what they wrote can be checked afterwards."""

from __future__ import annotations

import dataclasses
import json

from testbed.guest import Guest

# What it has to say it says in /run: a disk that stands still must not stand in its way.
_PROGRAM = """
import hashlib, json, os, sys, time
place, notes = sys.argv[1:]
os.makedirs(place, exist_ok=True)
folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
count, longest, error, before = 0, 0.0, None, time.monotonic()
sums = open(notes + ".sums", "w")
while not os.path.exists(notes + ".stop") and count < 4000:
    data, name = os.urandom(1 << 16), f"{place}/block-{count}"
    try:
        with open(name, "wb") as file:
            file.write(data); file.flush(); os.fsync(file.fileno())
        os.fsync(folder)
    except OSError as found:
        error = str(found)
        break
    print(hashlib.sha256(data).hexdigest() + "  " + name, file=sums, flush=True)
    now = time.monotonic()
    count, longest, before = count + 1, max(longest, now - before), now
    time.sleep(0.05)
with open(notes + ".new", "w") as file:
    json.dump({"blocks": count, "longest": longest, "error": error}, file)
os.rename(notes + ".new", notes)
"""

# Kills the first process of that name, as soon as it is there; ends by itself after a minute.
_HUNTER = """
import os, sys, time
end, known = time.monotonic() + 60, set()
while time.monotonic() < end:
    for pid in set(filter(str.isdigit, os.listdir("/proc"))) - known:
        try:
            with open(f"/proc/{pid}/comm") as comm:
                name = comm.read().strip()
            if name == sys.argv[1]:
                os.kill(int(pid), 9)
                sys.exit()
            if name not in ("blockstore", "python3"):  # a fork that is to become something else
                known.add(pid)
        except OSError:
            pass
    time.sleep(0.01)
"""


def hunt(guest: Guest, name: str) -> None:
    """From now on, SIGKILL for the first process of this name."""
    guest.write("/run/hunt.py", _HUNTER.encode())
    guest.run(f"systemd-run --collect --quiet -- python3 -S /run/hunt.py {name}")
    guest.run("until pgrep -f /run/hunt.py >/dev/null; do sleep 0.1; done; sleep 0.5")


@dataclasses.dataclass(frozen=True)
class Written:
    """How it went: blocks that were flushed, the longest time for one of them, the first I/O error ("" for none)."""

    blocks: int
    longest: float
    error: str


class Writer:
    """One writer, on one folder of a volume."""

    def __init__(self, guest: Guest, place: str) -> None:
        """Start it, as a service of its own."""
        self._guest, self._place = guest, place
        self._notes = f"/run/load{place.replace('/', '-')}"
        guest.run(f"rm -f {self._notes} {self._notes}.*")
        guest.write("/run/load.py", _PROGRAM.encode())
        guest.run(f"systemd-run --collect --quiet -- python3 -S /run/load.py {place} {self._notes}")
        guest.run(f"until [ -s {self._notes}.sums ]; do sleep 0.1; done")

    def blocks(self) -> int:
        """How many it has written so far."""
        return int(self._guest.run(f"wc -l <{self._notes}.sums").stdout)

    def goes_on(self, deadline: float = 60) -> None:
        """Wait until it has written one more."""
        waited = f"until [ $(wc -l <{self._notes}.sums) -gt {self.blocks() + 1} ]; do sleep 0.1; done"
        self._guest.run(waited, timeout=deadline)

    def stop(self) -> Written:
        """Let it come to its end."""
        self._guest.run(f"touch {self._notes}.stop; until [ -e {self._notes} ]; do sleep 0.1; done", timeout=180)
        said = json.loads(self._guest.read(self._notes))
        return Written(said["blocks"], said["longest"], said["error"] or "")

    def damaged(self) -> str:
        """What is on the disk otherwise than it was written, read again from there; "" where all is right."""
        check = f"sync; echo 3 >/proc/sys/vm/drop_caches; sha256sum --quiet --check {self._notes}.sums 2>&1"
        done = self._guest.run(check, check=False)
        return done.stdout if done.code else ""

    def clear(self) -> None:
        """Remove what it wrote."""
        self._guest.run(f"rm -rf {self._place}")
