"""One JSON object a line over a socket, as QEMU's monitor and its guest agent speak."""

import json
import socket
import time
from typing import Any


class Gone(Exception):
    """The other side is not there any more: QEMU has ended."""


class Refused(Exception):
    """The other side answered with an error."""


class JsonLines:
    """The host's end of such a socket. Times are seconds; TimeoutError when an answer does not come in time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""

    def send(self, message: dict[str, Any]) -> None:
        """Send one object; Gone when nobody is there to read it."""
        try:
            self._connection.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise Gone("QEMU has ended") from error

    def receive(self, timeout: float) -> dict[str, Any]:
        """The next object. Bytes 0xff, which the agent puts before its answer to a sync, are passed over."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._received:
            self._received += self._read(deadline - time.monotonic())
        line, self._received = self._received.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return answer

    def _read(self, timeout: float) -> bytes:
        if timeout <= 0:
            raise TimeoutError
        self._connection.settimeout(timeout)
        try:
            data = self._connection.recv(1 << 16)
        except ConnectionError as error:
            raise Gone("QEMU has ended") from error
        if not data:
            raise Gone("QEMU has ended")
        return data

    def call(self, command: str, arguments: dict[str, Any], timeout: float) -> Any:
        """What `command` returns; Refused when it is an error. Events in between are passed over."""
        self.send({"execute": command, "arguments": arguments})
        deadline = time.monotonic() + timeout
        while True:
            answer = self.receive(deadline - time.monotonic())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise Refused(f"{command}: {answer['error'].get('desc')}")

    def close(self) -> None:
        """Close our end."""
        self._connection.close()
