"""The one place that runs processes.

A `Command` is a value: arguments, accepted exit codes, text for standard input, secrets to mask. It renders itself
masked, and the same rendering serves the log and the error, so that nobody has to remember.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from blockstore.errors import CommandFailed, CommandTimedOut
from blockstore.secret import Secret, masked
from blockstore.values import dataclass

LOG = logging.getLogger(__name__)

# A fixed environment: messages that are parsed stay in English, and nothing of the caller's environment leaks in.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

# What a program has between SIGTERM and SIGKILL.
GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Command:
    """What to run. ``ok`` are the exit codes that the caller understands; all others raise `CommandFailed`."""

    argv: tuple[str, ...]
    ok: tuple[int, ...] = (0,)
    input: str = ""
    secrets: tuple[Secret, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return masked(" ".join(self.argv), self.secrets)

    def __repr__(self) -> str:
        return f"Command({str(self)!r})"


@dataclass(frozen=True)
class Completed:
    """How a command ended: exit code (one of the accepted), standard output and standard error."""

    code: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Anything that runs commands: the machine, or a strict fake in tests."""

    def __call__(self, command: Command, *, timeout: float) -> Completed:
        """Run to the end. ``timeout`` in seconds. Raises `CommandFailed` or `CommandTimedOut`."""


def run(command: Command, *, timeout: float) -> Completed:
    """Run a command to its end with a clean environment and captured output.

    ``timeout`` is in seconds; past it the program gets SIGTERM and two seconds to clean up, then SIGKILL
    (iscsiadm killed outright leaves its lock behind, and the next call waits 30 s for it).
    """
    LOG.debug("running %s", command)
    with subprocess.Popen(
        command.argv,
        stdin=subprocess.PIPE if command.input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, **command.environment},
        text=True,
        errors="replace",
    ) as process:
        try:
            stdout, stderr = process.communicate(command.input or None, timeout=max(timeout, 0.1))
        except subprocess.TimeoutExpired:
            stdout, stderr = _end(process)
            raise CommandTimedOut(
                str(command), timeout, masked(stdout, command.secrets), masked(stderr, command.secrets)
            ) from None
    stdout, stderr = masked(stdout, command.secrets), masked(stderr, command.secrets)
    if process.returncode not in command.ok:
        raise CommandFailed(str(command), process.returncode, stdout, stderr)
    return Completed(process.returncode, stdout, stderr)


def _end(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.terminate()
    try:
        return process.communicate(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    try:
        return process.communicate(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return "", ""  # a child of its own still holds the pipes; waiting for that one would have no end


def launch(command: Command) -> None:
    """Start a command and go on: nobody waits for its end, and what it says is lost. For what nothing that follows stands on.

    Raises OSError where there is no such program.
    """
    LOG.debug("launching %s", command)
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**ENVIRONMENT, **command.environment},
        start_new_session=True,
    )
    threading.Thread(target=process.wait, name="launched", daemon=True).start()  # or it would stay as a zombie


Daemon = subprocess.Popen[bytes]


def start(command: Command, *, log: str | os.PathLike[str], pass_fds: tuple[int, ...] = ()) -> Daemon:
    """Start a daemon that the caller stops by its process id; its output goes to the file ``log`` (created 0600)."""
    LOG.debug("starting %s", command)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**ENVIRONMENT, **command.environment},
            pass_fds=pass_fds,
            start_new_session=True,
        )
    finally:
        os.close(output)
