"""Commands inside a running guest, through qemu-guest-agent's `guest-exec`: as root, without network, from early boot on."""

import base64
import itertools
import shlex
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from testbed.jsonline import JsonLines

# What a login shell would have; the agent's own environment is systemd's.
_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
_ANSWER = 60.0
_FIRST_LOOK, _LONGEST_PAUSE = 0.03, 0.5


@dataclass(frozen=True)
class Completed:
    """A command that ended in the guest: its exit code (minus the signal's number when a signal ended it) and output."""

    code: int
    stdout: str
    stderr: str


class CommandTimeout(Exception):
    """A command in the guest did not end in time; it was killed there."""


class Agent:
    """The guest's agent as seen from the host, for one power-on."""

    def __init__(self, connection: socket.socket) -> None:
        self._lines = JsonLines(connection)
        self._numbers = itertools.count(1)

    def ready(self, timeout: float) -> None:
        """Wait until the agent answers; TimeoutError when it does not, Gone when QEMU ends.

        QEMU keeps what we send until the guest opens its port, so one question serves for the whole wait.
        """
        number = next(self._numbers)
        self._lines.send({"execute": "guest-sync", "arguments": {"id": number}})
        deadline = time.monotonic() + timeout
        while self._lines.receive(deadline - time.monotonic()).get("return") != number:
            pass

    def run(self, argv: list[str], stdin: bytes, timeout: float) -> tuple[int, bytes, bytes]:
        """Run `argv` and give its code, output and error output, each at most 16 MiB (the agent's own limit)."""
        arguments = {"path": argv[0], "arg": argv[1:], "env": list(_ENVIRONMENT), "capture-output": True}
        if stdin:
            arguments["input-data"] = base64.b64encode(stdin).decode()
        pid = self._lines.call("guest-exec", arguments, _ANSWER)["pid"]
        status = self._wait(pid, timeout, argv)
        if status.get("out-truncated") or status.get("err-truncated"):
            raise ValueError(f"{argv}: more output than the agent carries; use collect()")
        code = int(status["exitcode"]) if "exitcode" in status else -int(status["signal"])
        return code, base64.b64decode(status.get("out-data", "")), base64.b64decode(status.get("err-data", ""))

    def start(self, argv: list[str]) -> None:
        """Ask for `argv` to be run and wait neither for it nor for the agent's answer."""
        self._lines.send({"execute": "guest-exec", "arguments": {"path": argv[0], "arg": argv[1:]}})

    def _wait(self, pid: int, timeout: float, argv: list[str]) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        pause = _FIRST_LOOK
        while time.monotonic() < deadline:
            status: dict[str, Any] = self._lines.call("guest-exec-status", {"pid": pid}, _ANSWER)
            if status["exited"]:
                return status
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        # A shell forks for its last command too: its children go first.
        self.start(["/bin/sh", "-c", f"pkill -KILL -P {pid}; kill -KILL {pid}"])
        raise CommandTimeout(f"after {timeout:g} s still running in the guest: {argv}")

    def close(self) -> None:
        """Close our end of the port."""
        self._lines.close()


def shown(command: str | Sequence[str]) -> str:
    """A command as a person would type it."""
    return command if isinstance(command, str) else shlex.join(command)
