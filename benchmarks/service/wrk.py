"""wrk as the load: as many requests as are answered, over so many connections, for some seconds."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.command import run

SCRIPT = Path(__file__).parent / "requests.lua"
TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Asked:
    """One GET: a path, and headers."""

    path: str
    headers: Mapping[str, str]

    def line(self) -> str:
        """As the script reads it."""
        return "\t".join([self.path, *(f"{name}: {value}" for name, value in self.headers.items())])


@dataclass(frozen=True)
class Found:
    """What one run gave; times in seconds."""

    rate: float
    p50: float
    p99: float
    errors: int


def load(url: str, requests: Iterable[Asked], *, connections: int, seconds: float) -> Found:
    """Ask for these in turn, again and again, over each connection. Raises `CommandFailed`."""
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.write("".join(f"{each.line()}\n" for each in requests))
        file.flush()
        words = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s"]
        argv = [*words, "--timeout", f"{TIMEOUT_SECONDS}s", "--script", str(SCRIPT), url, "--", file.name]
        return read(run(argv, timeout=seconds + 3 * TIMEOUT_SECONDS).decode())


def read(text: str) -> Found:
    """From what the script wrote last."""
    said = json.loads(text.strip().splitlines()[-1])
    return Found(said["requests"] / said["seconds"], said["p50"], said["p99"], said["errors"])
