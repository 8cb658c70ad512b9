"""Disks of this tier: one whose every change is logged, and ones that are made from a crash state."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blockstore.run import ENVIRONMENT
from tests.loop.disk import Disk
from tests.loop.instance import MOUNT

TREE = Path(__file__).parents[2]
START_SECONDS = 20.0


@dataclass
class LoggedDisk:
    """A disk below which everything is written down. ``store`` holds the real file, the log and the instance's trees."""

    store: Path
    disk: Disk

    def mark(self, kind: str, text: str = "") -> None:
        """Put a mark between what is written before and after it."""
        with open(self.disk.file.with_name("marks"), "wb", buffering=0) as marks:
            marks.write(f"{kind} {text}".encode())

    @contextlib.contextmanager
    def starts(self) -> Iterator[None]:
        """Mark which processes are started meanwhile."""
        Starts.listener = self
        try:
            yield
        finally:
            Starts.listener = None


class Starts:
    """Python's own word that a process is about to be started (audit event ``subprocess.Popen``), and the harness's that
    something is mounted without one. A hook stays for ever, so there is one, which tells whoever listens at the moment."""

    listener: LoggedDisk | None = None

    @classmethod
    def hook(cls, event: str, arguments: tuple[object, ...]) -> None:
        if event == "subprocess.Popen" and cls.listener is not None:
            words = arguments[1] if isinstance(arguments[1], (list, tuple)) else ()
            cls.listener.mark("start", " ".join(str(word) for word in words))
        elif event == MOUNT and cls.listener is not None:
            cls.listener.mark("start", str(arguments[0]))


sys.addaudithook(Starts.hook)


@contextlib.contextmanager
def logged(store: Path, root: Path, sector: int = 512) -> Iterator[LoggedDisk]:
    """Serve ``store/disk`` as a logging disk for a while. The mount is undone whatever happens, and the server ends with it."""
    mount = store / "mount"
    mount.mkdir()
    with open(store / "server", "wb") as output:
        server = subprocess.Popen(
            (sys.executable, "-m", "tests.crash.server", str(mount), str(store), str(root)),
            cwd=TREE, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    disk = Disk(mount / "disk", sector)
    try:
        _await(server, store)
        yield LoggedDisk(store, disk)
    finally:
        with contextlib.ExitStack() as ends:
            ends.callback(_end, server, mount)
            if disk.node:
                disk.detach()


def _await(server: subprocess.Popen[bytes], store: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while not (store / "mount/disk").exists():
        if server.poll() is not None or time.monotonic() > limit:
            raise RuntimeError(f"the logging disk did not start: {(store / 'server').read_text(errors='replace')}")
        time.sleep(0.02)


def _end(server: subprocess.Popen[bytes], mount: Path) -> None:
    for options in ((), (), ("--lazy",)):
        done = subprocess.run(("umount", *options, str(mount)), capture_output=True, env=ENVIRONMENT, timeout=30, check=False)
        if done.returncode == 0 or not os.path.ismount(mount):
            break
        time.sleep(0.2)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
