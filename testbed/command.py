"""Running the host's programs: the one place of the testbed that starts a process and waits for it."""

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class CommandFailed(Exception):
    """A program of the host ended with a code other than 0; the text holds the command and the end of its output."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"exit {code}: {shlex.join(argv)}\n{output[-4000:]}")
        self.code = code
        self.output = output


def run(
    argv: Sequence[str | Path],
    *,
    timeout: float = 900,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run `argv` without a shell or standard input; its standard output comes back.

    Raises CommandFailed when it does not end with 0, subprocess.TimeoutExpired after `timeout` seconds.
    """
    words = [str(word) for word in argv]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, env=environment, check=False)
    if done.returncode != 0:
        raise CommandFailed(words, done.returncode, (done.stdout + done.stderr).decode(errors="replace"))
    return done.stdout


class Progress:
    """Says on standard error what takes longer than two seconds: one line when it starts to matter is too late to give
    with a child running, so each long step announces itself and the time that it took."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        self.started = time.monotonic()
        print(f"testbed: {self.what} …", file=sys.stderr, flush=True)

    def __exit__(self, *error: object) -> None:
        seconds = time.monotonic() - self.started
        print(f"testbed: {self.what}: {seconds:.1f} s", file=sys.stderr, flush=True)
