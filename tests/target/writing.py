"""An initiator that writes all the time: qemu-io with several commands under way. What it was told is done is kept, so that
the volume can be compared with it afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from tests.target.initiator import Login, image

PROMPT = b"qemu-io> "
BLOCK, AREA, DEPTH = 1 << 16, 1 << 24, 16
BAD = re.compile(r".*(?:fail|error|verif|denied).*", re.IGNORECASE)
END_SECONDS = 60


class Writer:
    """Rounds of writes all over the first MiB of a volume, each round flushed and its last block read again.

    A context manager: it writes until the end of the block. qemu-io reads its commands through a buffer that it does not
    look into again, so each is given when it has asked for it.
    """

    def __init__(self, login: Login) -> None:
        self.failed: list[str] = []
        self.rounds = 0
        self._expected: dict[int, int] = {}
        self._end = threading.Event()
        # Apart from its output, which is written when it asks for the next command, and so ends with that.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            ["qemu-io", "--image-opts", image(login)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._hear()
        self._thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._end.set()
        self._thread.join(END_SECONDS)
        hung = self._thread.is_alive()
        self._process.kill()
        self._process.communicate()
        self._errors.seek(0)
        self._note(self._errors.read())
        self._errors.close()
        assert not hung, "the last writes never ended"

    def goes_on(self, rounds: int = 3, seconds: float = 30) -> None:
        """Wait until that many more rounds are done, all of them from begin to end after this call."""
        wanted, until = self.rounds + rounds + 1, time.monotonic() + seconds
        while self.rounds < wanted:
            assert self._thread.is_alive(), self.failed
            assert time.monotonic() < until, f"no more than {self.rounds} rounds of {wanted}"
            time.sleep(0.02)

    def wrong(self, file: Path) -> list[int]:
        """The offsets where the backing file does not hold what was written last."""
        with file.open("rb") as opened:
            return [at for at, value in self._expected.items() if os.pread(opened.fileno(), BLOCK, at) != bytes([value]) * BLOCK]

    def _write(self) -> None:
        at = value = 0
        while not self._end.is_set():
            for _ in range(DEPTH):
                last, value = at, value % 255 + 1
                self._expected[last], at = value, (at + BLOCK) % AREA
                if not self._say(f"aio_write -P {value} {last} {BLOCK}"):
                    return
            if not (self._say("aio_flush") and self._say(f"read -P {value} {last} {BLOCK}")):
                return
            self.rounds += 1

    def _say(self, command: str) -> bool:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return self._hear()

    def _hear(self) -> bool:
        assert self._process.stdout is not None
        heard = b""
        while not heard.endswith(PROMPT):
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                self.failed.append(f"qemu-io ended: {heard.decode()}")
                return False
            heard += more
        self._note(heard)
        return True

    def _note(self, said: bytes) -> None:
        """Keep what is a failure; libiscsi says when it tries again, that is none."""
        self.failed += [line for line in said.decode().splitlines() if BAD.match(line) and "econnect" not in line]
