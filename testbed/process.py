"""Starting a program that must not outlive us."""

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel's parent-death signal is sent when the *thread* that forked ends, not the process: a guest started from a test's
# worker thread would die with the worker. One thread that lives as long as the interpreter starts them all.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="testbed-launcher")


def spawn(
    argv: Sequence[str | Path],
    output: Path,
    *,
    descriptors: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` (its output appended to the file `output`, the open `descriptors` handed down under their numbers,
    `environment` instead of ours).

    It is killed when this process ends, however it ends. The pid is the program's own.
    """
    command = ["setpriv", "--pdeathsig", "KILL", "--", *(str(word) for word in argv)]

    def start() -> subprocess.Popen[bytes]:
        with output.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=tuple(descriptors),
                env=environment,
            )

    return _launcher.submit(start).result()
