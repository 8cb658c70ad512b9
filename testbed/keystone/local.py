"""Keystone as a process: installed, started, killed, started again."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from pathlib import Path
from typing import Self

import requests

from testbed import process
from testbed.keystone import configuration, venv

INSIDE = Path(__file__).parent / "inside"
ADMINISTRATOR, DOMAIN, REGION = "admin", "Default", "RegionOne"
START_SECONDS = 120.0


class KeystoneFailed(Exception):
    """It did not start; the text holds the end of its log."""


class LocalKeystone:
    """A context manager. ``password`` is the administrator's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.log = folder, folder / "output.log"
        self.password = secrets.token_hex(16)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._venv = venv.build()
        self._password_file = self.folder / "password"
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(self.password)
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Of version 3, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}/v3"

    def start(self, *, lifetime: int = configuration.DAY) -> None:
        """Start it where it was before, and wait until it answers. Its tokens live for ``lifetime`` seconds."""
        file = configuration.write(self.folder, lifetime=lifetime)
        # Compiled at the first start, whatever is said of our own files: it is a third of the time from then on.
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
        with self._listener() as listener:
            self._port = listener.getsockname()[1]
            words = [str(word) for word in (file, self._password_file, self.url, REGION, listener.fileno())]
            argv: list[str | Path] = [self._venv / "bin/python", INSIDE / "everything.py", *words]
            self._process = process.spawn(argv, self.log, descriptors=[listener.fileno()], environment=environment)
        # The kernel has taken the connection before Keystone does; should that die, the connection ends with it.
        try:
            requests.get(self.url, timeout=START_SECONDS).raise_for_status()
        except requests.RequestException as error:
            self.stop()
            raise KeystoneFailed(f"Keystone did not start: {error}\n{self.log.read_text(errors='replace')[-4000:]}") from None

    def stop(self) -> None:
        """SIGKILL: what is there stays. Nothing where it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listener(self) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        listener.set_inheritable(True)
        return listener
