"""A metadata server of one's own: a real process with a real tgtd, in a folder, as whatever user runs this."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from blockstore.run import Command, run, start
from blockstore.waiting import Deadline, wait_for
from metadata_server.command.client import Client
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import SeenTarget
from metadata_server.state import Addresses, State
from metadata_server.targets.tgt_request import Mode, Operation, Request
from metadata_server.targets.tgt_show import targets
from metadata_server.targets.tgt_socket import SocketControl

ROOT = Path(__file__).resolve().parent.parent
DATABASE_OPTIONS = {"database.url": "--database", "database.password_file": "--database-password-file"}
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}
T = TypeVar("T")
# Gives the options (keys of the configuration) of the database for a server's folder.
Databases = Callable[[Path], Mapping[str, str]]
START_SECONDS, STOP_SECONDS, COMMAND_SECONDS = 60.0, 90.0, 60.0


class LocalServer:
    """``blockstore-server serve --state STATE`` on free ports; a context manager that starts and stops it.

    ``advertised_host`` is the host as guests see it: 10.0.2.2 is 127.0.0.1 of the host under QEMU's user networking.
    ``options`` are further options of ``serve``; ``prefix`` is a command that it runs under (such as setpriv), and
    ``program`` what is run in the place of ``python -m metadata_server``.
    """

    databases: Databases = staticmethod(lambda _state: {})  # SQLite in the folder

    def __init__(
        self,
        state: Path,
        *,
        advertised_host: str = "10.0.2.2",
        options: tuple[str, ...] = (),
        prefix: tuple[str, ...] = (),
        program: tuple[str, ...] = ("-m", "metadata_server"),
    ) -> None:
        self.state = state
        self.log = state.parent / f"{state.name}.log"
        listen = ("--instance-listen", "127.0.0.1:0", "--operator-listen", "127.0.0.1:0", "--portal", "127.0.0.1:0")
        host = ("--advertised-host", advertised_host) if advertised_host else ()
        told = type(self).databases(state)
        database = [word for key, value in told.items() for word in (DATABASE_OPTIONS[key], value)]
        self._argv = (*prefix, sys.executable, *program, "serve", "--state", str(state), *listen, *host, *database, *options)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LocalServer:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it says that it is ready; an error shows its log."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        self._process = process = start(Command(self._argv, environment=ENVIRONMENT), log=self.log)

        def look() -> bool | None:
            said = self.log.read_text(errors="replace")[offset:]
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with code {process.returncode}:\n{said}")
            return True if "\nready: " in f"\n{said}" else None

        wait_for("the server to be ready", look, Deadline.after(START_SECONDS), describe=self.log.read_text)

    def stop(self) -> None:
        """SIGTERM: it stops, and its tgtd with it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise
        elif self._process is not None:
            self.end_tgtd()
        self._process = None

    def kill(self) -> None:
        """SIGKILL for the server; its tgtd lives on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self, seconds: float) -> int:
        """Wait for its end; gives the exit code."""
        return self._process.wait(seconds) if self._process is not None else 0

    def end_tgtd(self) -> None:
        """SIGKILL for its tgtd, all that there are."""
        for pid in self.tgtd_pids.values():
            with suppress(OSError):
                descriptor = os.pidfd_open(pid)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid if self._process is not None else 0

    @property
    def tgtd_pid(self) -> int:
        """Its (first) tgtd's process id. Raises `Unavailable` where none listens."""
        return self._control(SocketControl.peer)

    @property
    def tgtd_pids(self) -> dict[int, int]:
        """The process ids of all its tgtd that listen, by their numbers."""
        found = {}
        for number in sorted(int(each.suffix[1:]) for each in self.state.glob("tgtd.*") if each.suffix[1:].isdecimal()):
            with suppress(Unavailable):
                found[number] = self._control(SocketControl.peer, number)
        return found

    @property
    def seen(self) -> dict[int, dict[str, SeenTarget]]:
        """What each of its tgtd exports, by the daemons' numbers."""
        show = Request(Mode.TARGET, Operation.SHOW, tid=-1)
        return {number: targets(self._control(lambda control: control.send(show), number)) for number in self.tgtd_pids}

    @property
    def sessions(self) -> int:
        """How many sessions its tgtd have, of all initiators together."""
        return sum(len(target.connections) for seen in self.seen.values() for target in seen.values())

    def wait_no_sessions(self) -> None:
        """Wait until its tgtd has noticed that every initiator is gone."""
        wait_for("all sessions to end", lambda: True if self.sessions == 0 else None, Deadline.after(STOP_SECONDS))

    def _control(self, ask: Callable[[SocketControl], T], number: int = 0) -> T:
        # Through the folder's descriptor: a socket's path may have 108 bytes.
        folder = os.open(self.state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return ask(SocketControl(Path(f"/proc/self/fd/{folder}/tgtd.{number}")))
        finally:
            os.close(folder)

    @property
    def addresses(self) -> Addresses:
        """Where it listens."""
        return State(self.state).addresses()

    @property
    def instance_url(self) -> str:
        """The instances' listener, from this machine."""
        return self.addresses.instance_url

    @property
    def operator_url(self) -> str:
        """The operators' listener."""
        return self.addresses.operator_url

    @property
    def token(self) -> str:
        """The operators' token."""
        return State(self.state).token().reveal()

    @property
    def client(self) -> Client:
        """The command's own client: the same calls without a process for each."""
        return Client(self.state)

    def cli(self, *arguments: str) -> Any:
        """Run ``blockstore-server ARGUMENTS --json``; gives what it printed. Raises `CommandFailed`."""
        argv = (sys.executable, "-m", "metadata_server", *arguments, "--state", str(self.state), "--json")
        return json.loads(run(Command(argv, environment=ENVIRONMENT), timeout=COMMAND_SECONDS).stdout)

    def create_instance(
        self, name: str, *, initiator_name: str = "", user_data: str = "", network_config: str = ""
    ) -> dict[str, Any]:
        """Register an instance; the answer holds its token."""
        words = {"name": name, "initiator_name": initiator_name, "user_data": user_data, "network_config": network_config}
        found: dict[str, Any] = self.client.post("/instances", {"instance": words})["instance"]
        return found

    def create_volume(self, name: str, size: int = 1, *, metadata: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Make a volume of ``size`` GiB."""
        body = {"volume": {"name": name, "size": size, "metadata": dict(metadata or {})}}
        found: dict[str, Any] = self.client.post("/v3/volumes", body)["volume"]
        return found

    def attach(self, volume: str, instance: str, *, mode: str = "rw", mutual: bool = False) -> dict[str, Any]:
        """Reserve a volume (name or id) for an instance (name or id)."""
        client = self.client
        body = {
            "volume_uuid": client.volume(volume)["id"], "instance_uuid": client.instance(instance)["id"],
            "mode": mode, "blockstore:mutual_chap": mutual,
        }  # fmt: skip
        found: dict[str, Any] = client.post("/v3/attachments", {"attachment": body})["attachment"]
        return found

    def detach(self, volume: str, *, force: bool = False, wait: bool = False) -> Any:
        """``detach VOLUME``."""
        return self.cli("detach", volume, *(("--force",) if force else ()), *(() if wait else ("--no-wait",)))

    def seed(self, instance: str, path: Path) -> Path:
        """Write a seed ISO."""
        self.cli("seed", instance, "-o", str(path))
        return path

    def volume_file(self, identifier: str) -> Path:
        """The backing file of a volume."""
        return self.state / "volumes" / identifier

    def report(self, instance: str) -> dict[str, Any] | None:
        """What an instance (name or id) reported last."""
        found: dict[str, Any] | None = self.client.instance(instance)["report"]
        return found
