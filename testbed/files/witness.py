"""In a guest: a file on every file system below /srv the moment it is mounted, and more writing from then on.

Told on the console, a line each, and only once it is flushed:

    witness found PLACE UUID 1,2     these numbers were there when it was mounted, each with its right content
    witness kept PLACE UUID 3        this one is there from now on, whatever happens

The number is that of the power-on, from /etc/testbed/power-on. What is kept is never touched again; the files `load-…` are
rewritten for some seconds, so that a cut falls into writing, but a guest that is to be looked at comes to rest.
"""

import errno
import os
import select
import subprocess
import threading
import time

CONSOLE = "/dev/ttyS0"
SIZE = 3 * 4096 + 17
TURNS, PAUSE = 40, 0.2


def content(number: int) -> bytes:
    """What the witness of this number holds."""
    return (b"witness %d\n" % number * SIZE)[:SIZE]


def tell(*words: str) -> None:
    """A line on the console, whole."""
    # One write: lines of others do not come in between.
    with open(CONSOLE, "wb", buffering=0) as console:
        console.write(b"\nwitness " + " ".join(words).encode() + b"\n")


def mounted() -> dict[str, str]:
    """Mount points below /srv and their devices."""
    with open("/proc/self/mounts") as mounts:
        return {place: device for device, place, *_ in map(str.split, mounts) if place.startswith("/srv/")}


def found(place: str) -> str:
    """The numbers of the witnesses that are right."""
    numbers = []
    for name in os.listdir(place):
        if name.startswith("witness-"):
            number = int(name.partition("-")[2])
            with open(f"{place}/{name}", "rb") as file:
                if file.read() == content(number):
                    numbers.append(number)
    return ",".join(str(number) for number in sorted(numbers)) or "none"


def keep(place: str, number: int) -> None:
    """Write a witness and flush it, its name too."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    if os.fstat(folder).st_dev == os.stat("/").st_dev:
        raise OSError(errno.ENOTCONN, "what was mounted here has gone away")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(f"witness-{number}", flags, 0o600, dir_fd=folder), "wb") as file:
        file.write(content(number))
        file.flush()
        os.fsync(file.fileno())
    os.fsync(folder)
    os.close(folder)


def load(place: str) -> None:
    """Write for a while, flushing every other file."""
    for turn in range(TURNS):
        with open(f"{place}/load-{turn % 8}.new", "wb") as file:
            file.write(os.urandom(1 << 15))
            if turn % 2:
                file.flush()
                os.fsync(file.fileno())
        os.replace(f"{place}/load-{turn % 8}.new", f"{place}/load-{turn % 8}")
        time.sleep(PAUSE)


def serve(place: str, device: str, number: int) -> None:
    """One file system's life."""
    try:
        uuid = subprocess.run(["blkid", "-p", "-s", "UUID", "-o", "value", device], capture_output=True, text=True).stdout.strip()
        there = found(place)
        keep(place, number)
        tell("found", place, uuid or "unknown", there)
        tell("kept", place, uuid or "unknown", str(number))
        load(place)
    except OSError as error:
        tell("failed", place, str(error.errno), str(number))


def main() -> None:
    """Wait for mounts."""
    with open("/etc/testbed/power-on") as file:
        number = int(file.read())
    known: set[str] = set()
    with open("/proc/self/mounts") as mounts:
        change = select.poll()
        change.register(mounts, select.POLLERR | select.POLLPRI)
        while True:
            now = mounted()
            known &= now.keys()  # one that comes again is looked at again
            for place, device in now.items():
                if place not in known:
                    known.add(place)
                    threading.Thread(target=serve, args=(place, device, number), daemon=True).start()
            change.poll()


if __name__ == "__main__":
    main()
