"""One power-on of a virtual machine: its QEMU process and the sockets to it."""

import contextlib
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from testbed import process, qemu
from testbed.agent import Agent
from testbed.jsonline import Gone, JsonLines

_END = 30.0


class Power:
    """A running QEMU. `power_on` is the host's time.monotonic() at which it was started."""

    def __init__(self, describe: Callable[[qemu.Channels], list[str]], output: Path, *, inherited: tuple[int, ...] = ()) -> None:
        """Start the QEMU whose argv `describe` gives, once it knows the sockets; `output` is for QEMU's own messages.

        `inherited`: open descriptors that it names, too.
        """
        with _pairs(3) as (ours, theirs):
            numbers = [end.fileno() for end in theirs]
            channels = qemu.Channels(monitor=numbers[0], agent=numbers[1], events=numbers[2])
            self.power_on = time.monotonic()
            self._process = process.spawn(describe(channels), output, descriptors=(*numbers, *inherited))
        self._monitor = JsonLines(ours[0])
        self._negotiated = False
        self.agent = Agent(ours[1])
        self._events = ours[2]
        self._heard = b""

    @property
    def pid(self) -> int:
        """QEMU's process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether QEMU is there."""
        return self._process.poll() is None

    def monitor(self, command: str, arguments: dict[str, Any], timeout: float = 30) -> Any:
        """What a command of QEMU's monitor (QMP) returns."""
        if not self._negotiated:
            self._monitor.receive(timeout)  # the greeting
            self._monitor.call("qmp_capabilities", {}, timeout)
            self._negotiated = True
        return self._monitor.call(command, arguments, timeout)

    def event(self, timeout: float) -> str:
        """The next line that the guest writes to its events port; TimeoutError, or Gone when QEMU ends before it."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._heard:
            ready, _, _ = select.select([self._events], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            data = _received(self._events)
            if not data:
                raise Gone("QEMU has ended")
            self._heard += data
        line, self._heard = self._heard.split(b"\n", 1)
        return line.decode()

    def wait_off(self, timeout: float) -> int:
        """QEMU's exit code once the guest has switched itself off; TimeoutError when it does not."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired as expired:
            raise TimeoutError from expired

    def cut(self) -> None:
        """Kill QEMU, this one and no other, as a power cut does; nothing when it has ended already."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(_END)

    def close(self) -> None:
        """Cut the power and close the sockets."""
        self.cut()
        self._monitor.close()
        self.agent.close()
        self._events.close()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except ConnectionError:
        return b""


@contextlib.contextmanager
def _pairs(count: int) -> Iterator[tuple[list[socket.socket], list[socket.socket]]]:
    """`count` connected pairs: our ends stay open, QEMU's are closed here at the end, so that its death is seen."""
    pairs = [socket.socketpair() for _ in range(count)]
    try:
        yield [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    finally:
        for _, theirs in pairs:
            theirs.close()
