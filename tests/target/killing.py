"""A server that kills itself, or its target daemon, with SIGKILL at a chosen step, forked from a process that has imported it
already.

The server itself knows nothing of this: it is built with an observer that hears the name of every step before it is
done, and this one's observer counts. Run as a program this file is the process that forks: a line of JSON on its standard
input starts a server, ``ready PID`` and ``ended CODE`` on its standard output tell what became of it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from blockstore.errors import BlockstoreError
from blockstore.waiting import Deadline, wait_for
from testbed.server import ENVIRONMENT, LocalServer

SECONDS = 60
# While this file names a step, the server waits before it.
HELD = "held"


def _observer(armed: Path, step: int, daemon: str) -> Callable[[str], None]:
    """Counts; ``daemon`` is the folder of the server whose tgtd is to die, "" for the server itself."""
    heard = 0
    held = armed.with_name(HELD)

    def observe(name: str) -> None:
        nonlocal heard
        with suppress(FileNotFoundError):
            while held.read_text() == name:
                time.sleep(0.01)
        if armed.exists():
            heard += 1
            with armed.open("a") as file:
                file.write(f"{name}\n")
            if heard == step:
                os.kill(LocalServer(Path(daemon)).tgtd_pid if daemon else os.getpid(), signal.SIGKILL)

    return observe


def _fork_servers() -> None:
    from metadata_server.configuration import load
    from metadata_server.serving import serve

    for line in sys.stdin:
        options, armed, step, daemon = json.loads(line)
        pid = os.fork()
        if not pid:
            observe = _observer(Path(armed), step, daemon)
            serve(load(None, options), ready=lambda _: print("ready", os.getpid(), flush=True), observe=observe)
            os._exit(0)
        print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


class ForkedServer(LocalServer):
    """`LocalServer`, started in a tenth of the time; after `arm` it dies just before its step number ``step``, or where
    ``daemon`` is said its tgtd does. ``further`` keys of the configuration are those of the next start."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, advertised_host="")
        self._armed = state.parent / "armed"
        self._server = 0
        self.step, self.daemon = 0, False
        self.further: dict[str, object] = {}
        self._errors = self.log.open("a")
        self._forker = subprocess.Popen(
            [sys.executable, "-m", "tests.target.killing"], env={**os.environ, **ENVIRONMENT}, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
        )  # fmt: skip

    def start(self) -> None:
        listen = dict.fromkeys(("instance.listen", "operator.listen", "targets.portal"), "127.0.0.1:0")
        self.disarm()
        assert self._forker.stdin is not None
        options = {"state": str(self.state), **listen, **type(self).databases(self.state), **self.further}
        wish = [options, str(self._armed), self.step, str(self.state) if self.daemon else ""]
        self._forker.stdin.write(json.dumps(wish) + "\n")
        word, number = self._hear()
        assert word == "ready", self.log.read_text()
        self._server = number

    def restart(self, step: int = 0, *, daemon: bool = False) -> None:
        """Kill it if it runs, and start it anew; once armed it (or its tgtd) will die just before this step."""
        self.kill()
        self.step, self.daemon = step, daemon
        self.start()

    def arm(self) -> None:
        """From here on steps are counted."""
        self._armed.touch()

    def disarm(self) -> None:
        """Steps are not counted any more."""
        self._armed.unlink(missing_ok=True)

    @contextmanager
    def held_before(self, step: str) -> Iterator[None]:
        """It gets as far as that step and no further; steps of jobs only, the others would hold up the event loop."""
        file = self._armed.with_name(HELD)
        file.with_suffix(".new").write_text(step)
        file.with_suffix(".new").rename(file)
        try:
            yield
        finally:
            file.unlink()

    @property
    def pid(self) -> int:
        return self._server

    @property
    def steps(self) -> list[str]:
        """The names of the steps since `arm`; the last one was not done if the server died."""
        return self._armed.read_text().splitlines()

    @property
    def died(self) -> bool:
        """Whether it killed itself; waits for that end when it is on its way."""
        return len(self.steps) >= self.step and self._ended(-signal.SIGKILL)

    def dies(self, instead: Callable[[], bool]) -> bool:
        """Wait until it has killed itself; False when the other thing came true."""

        def look() -> bool | None:
            assert self._forker.stdout is not None
            if select.select([self._forker.stdout], [], [], 0)[0]:
                return self._ended(-signal.SIGKILL)
            with suppress(BlockstoreError):
                return False if instead() else None
            return None

        return wait_for("the server's end", look, Deadline.after(SECONDS))

    def kill(self) -> None:
        if self._server:
            os.kill(self._server, signal.SIGKILL)
            self._ended(-signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server, and the process that forks."""
        if self._server:
            os.kill(self._server, signal.SIGTERM)
            assert self._ended(0)
        self._forker.communicate()
        self._errors.close()

    def _ended(self, code: int) -> bool:
        word, number = self._hear()
        assert (word, number) == ("ended", code), self.log.read_text()
        self._server = 0
        return True

    def _hear(self) -> tuple[str, int]:
        assert self._forker.stdout is not None
        word, number = self._forker.stdout.readline().split()
        return word, int(number)


@contextmanager
def in_memory() -> Iterator[ForkedServer]:
    """A running one. In memory where that is possible: a SIGKILL loses nothing that was written, flushed to a disk or not, and
    this is the part that would wait for disks most."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="blockstore-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        server = ForkedServer(Path(folder) / "state")
        server.start()
        yield server
        server.stop()


if __name__ == "__main__":
    _fork_servers()
