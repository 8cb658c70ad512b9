"""Cinder as a process: started, asked as an operator would, killed, started again."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import requests

from testbed import process
from testbed.cinder import configuration, venv
from testbed.command import CommandFailed, run

INSIDE = Path(__file__).parent / "inside"
PROJECT = "0123456789abcdef0123456789abcdef"
START_SECONDS = 120.0


class CinderFailed(Exception):
    """It did not start; the text holds the end of its log."""


class LocalCinder:
    """Cinder 29 with volumes in sparse files, exported by a tgtd of its own; a context manager.

    ``portal_host`` is the portal's address as instances see it (10.0.2.2 is the host's 127.0.0.1 under QEMU's user network);
    ``auth`` Cinder's auth_strategy, ``sections`` what cinder.conf says beside ours.
    """

    def __init__(self, folder: Path, *, portal_host: str = "127.0.0.1", auth: str = "noauth", sections: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.log, self._auth, self._sections = folder, folder / "cinder.log", auth, sections
        self._host, self.port, self.portal_port = portal_host, _free_port(), _free_port()
        self._cinder: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._venv = venv.build()
        # A socket's path has to fit into 108 bytes.
        self._sockets = tempfile.TemporaryDirectory(prefix="cinder-tgt-")
        words = {"port": self.port, "portal_host": self._host, "portal_port": self.portal_port, "auth": self._auth}
        configuration.write(self.folder, self._venv, **words, sections=self._sections)  # type: ignore[arg-type]
        self._environment = {
            **os.environ, "TGT_IPC_SOCKET": f"{self._sockets.name}/socket", "PYTHONPATH": str(INSIDE), "PYTHONWARNINGS": "ignore",
            "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONDONTWRITEBYTECODE": "",  # compiled at the first start: half of the time from then on
        }  # fmt: skip
        portal = f"portal=127.0.0.1:{self.portal_port}"
        self._tgtd = process.spawn(["tgtd", "-f", "-t", "2", "--iscsi", portal], self.log, environment=self._environment)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        # tgtd does not obey SIGTERM while it has targets.
        self._tgtd.kill()
        self._tgtd.wait()
        self._sockets.cleanup()

    def start(self) -> None:
        """Start it, and wait until a volume could be made."""
        self._wait("tgtd", self._tgtd_listens)
        words = (self._venv / "bin/python", INSIDE / "everything.py", "--config-file", self.folder / "cinder.conf")
        self._cinder = process.spawn([str(word) for word in words], self.log, environment=self._environment)
        self._wait("Cinder", self._schedules)

    def stop(self) -> None:
        """SIGKILL: its exports stay, as after a crash of cinder-volume. Nothing where it does not run."""
        if self._cinder is not None:
            self._cinder.kill()
            self._cinder.wait()
            self._cinder = None

    @property
    def pid(self) -> int:
        """Cinder's process id."""
        return self._cinder.pid if self._cinder is not None else 0

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}/v3"

    @property
    def portal(self) -> str:
        """Where this machine reaches the targets."""
        return f"127.0.0.1:{self.portal_port}"

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """One call, as the administrator."""
        headers = {"OpenStack-API-Version": "volume 3.71", **self._headers()}
        return requests.request(method, self.url + path, json=body, headers=headers, auth=self._account(), timeout=60)

    def volume_file(self, identifier: str) -> Path:
        """A volume's backing file."""
        return self.folder / "volumes" / f"volume-{identifier}"

    def targets(self) -> str:
        """What its tgtd shows, as tgtadm prints it."""
        return run(["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "target"], environment=self._environment).decode()

    def _headers(self) -> dict[str, str]:
        """The administrator's."""
        return {"X-Auth-Token": f"admin:{PROJECT}", "X-Service-Roles": "service"}

    def _account(self) -> tuple[str, str] | None:
        return None

    def _tgtd_listens(self) -> bool:
        try:
            # One that cannot bind its portal listens on 0.0.0.0:3260 instead, and says nothing.
            shown = run(["tgtadm", "--lld", "iscsi", "--op", "show", "--mode", "portal"], environment=self._environment)
        except CommandFailed:
            return False
        return f"127.0.0.1:{self.portal_port}" in shown.decode()

    def _schedules(self) -> bool:
        """Whether the scheduler has heard of the backend."""
        try:
            answer = self.ask("GET", "/scheduler-stats/get_pools")
        except requests.ConnectionError:
            return False
        pools: list[Any] = answer.json().get("pools", []) if answer.status_code == 200 else []
        return bool(pools)

    def _wait(self, what: str, ready: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline or self._tgtd.poll() is not None or (self._cinder and self._cinder.poll() is not None):
                raise CinderFailed(f"{what} did not start:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
