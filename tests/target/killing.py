"""A server that kills itself with SIGKILL at a chosen step, forked from a process that has imported it already.

The server itself knows nothing of this: it is built with an observer that hears the name of every step before it is
done, and this one's observer counts.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from blockstore.errors import BlockstoreError
from blockstore.waiting import Deadline, wait_for
from testbed.server import LocalServer

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["metadata_server.serving", "tests.target.killing"])
SECONDS = 60


def _observer(armed: Path, step: int) -> Callable[[str], None]:
    heard = 0

    def observe(name: str) -> None:
        nonlocal heard
        if armed.exists():
            heard += 1
            with armed.open("a") as file:
                file.write(f"{name}\n")
            if heard == step:
                os.kill(os.getpid(), signal.SIGKILL)

    return observe


def _serve(options: dict[str, str], armed: Path, step: int, ready: Connection) -> None:
    from metadata_server.configuration import load
    from metadata_server.serving import serve

    serve(load(None, options), ready=lambda _: ready.send("ready"), observe=_observer(armed, step))


class ForkedServer(LocalServer):
    """`LocalServer`, started in a tenth of the time; after `arm` it dies just before its step number ``step``."""

    def __init__(self, state: Path) -> None:
        super().__init__(state, advertised_host="")
        self._armed = state.parent / "armed"
        self._fork: Any = None
        self.step = 0

    def start(self) -> None:
        options = {
            "state": str(self.state), "instance.listen": "127.0.0.1:0", "operator.listen": "127.0.0.1:0",
            "targets.portal": "127.0.0.1:0",
        }  # fmt: skip
        self._armed.unlink(missing_ok=True)
        here, there = _FORKS.Pipe()
        self._fork = _FORKS.Process(target=_serve, args=(options, self._armed, self.step, there))
        self._fork.start()
        there.close()
        assert here.poll(SECONDS), "the server does not say that it is ready"
        try:
            here.recv()
        except EOFError:
            raise AssertionError("the server ended before it was ready") from None
        finally:
            here.close()

    def restart(self, step: int = 0) -> None:
        """Kill it if it runs, and start it anew; once armed it will die just before this step."""
        if self._fork.is_alive():
            self.kill()
        self.step = step
        self.start()

    def disarm(self) -> None:
        """Steps are not counted any more."""
        self._armed.unlink(missing_ok=True)

    def dies(self, instead: Callable[[], bool]) -> bool:
        """Wait until it has killed itself; False when the other thing came true."""

        def look() -> bool | None:
            if self._fork.exitcode is not None:
                return True
            with suppress(BlockstoreError):
                return False if instead() else None
            return None

        return wait_for("the server's end", look, Deadline.after(SECONDS))

    def arm(self) -> None:
        """From here on steps are counted."""
        self._armed.touch()

    @property
    def steps(self) -> list[str]:
        """The names of the steps since `arm`; the last one was not done if the server died."""
        return self._armed.read_text().splitlines()

    @property
    def died(self) -> bool:
        """Whether it killed itself; waits for that end only when it is on its way."""
        if self.step and len(self.steps) >= self.step:
            self._fork.join(SECONDS)
        return self._fork.exitcode == -signal.SIGKILL

    def kill(self) -> None:
        self._fork.kill()
        self._fork.join(SECONDS)

    def stop(self) -> None:
        if self._fork.is_alive():
            self._fork.terminate()
            self._fork.join(SECONDS)
            assert self._fork.exitcode == 0, self._fork.exitcode
        else:
            self.end_tgtd()
