"""HTTP on a bare socket, for the answers that nearly always come: the standard library's client alone costs twice the exchange.

Only the plain answer is understood: HTTP/1.1, the status that is expected, a body of a length that is said before. Whatever is
unusual about it ends it: whoever asked asks again in all forms, and says what is wrong. All that an instance may ask for can be
asked for twice.
"""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
from types import TracebackType
from typing import Any

SILENT = "it did not answer in time"
SECONDS, LONGEST, LONGEST_HEAD, PIECE = 5.0, 16 << 20, 16 << 10, 1 << 16


def attachments(endpoint: str, token: str, ca_cert: str) -> list[Any]:
    """The list of attachments as the service gives it. Raises OSError or ValueError."""
    with Line(endpoint, token, ca_cert) as line:
        return line.attachments()


class Line:
    """One connection to the service, in a `with` block, for ``seconds`` in all. Everything raises OSError or ValueError."""

    def __init__(self, endpoint: str, token: str, ca_cert: str, seconds: float = SECONDS) -> None:
        place = urllib.parse.urlsplit(endpoint)
        proof = f"Authorization: Bearer {token}\r\n" if token else ""
        self._path, self._head = place.path, f"Host: {place.netloc}\r\nAccept-Encoding: identity\r\n{proof}"
        if not f"{place.path}{place.netloc}{token}".isprintable():
            raise ValueError("what would be a line of its own in a request")
        self._end = time.monotonic() + seconds
        self._socket = _connected(place, ca_cert, seconds)
        self._data = bytearray()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def attachments(self) -> list[Any]:
        """Ask for the list."""
        try:
            found = json.loads(self.ask("GET", "/v1/attachments", "", "200"))["attachments"]
        except (TypeError, KeyError, RecursionError) as error:
            raise ValueError("no list of attachments") from error
        if not isinstance(found, list):
            raise ValueError("no list of attachments")
        return found

    def report(self, report: object) -> None:
        """Hand in what was done."""
        self.ask("PUT", "/v1/report", json.dumps(report), "204")

    def ask(self, method: str, path: str, body: str, expected: str) -> bytes:
        """One exchange: what answers the request, with the expected status."""
        more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._socket.sendall(f"{method} {self._path}{path} HTTP/1.1\r\n{self._head}{more}\r\n{body}".encode("ascii"))
        return self._answer(expected)

    def within(self, seconds: float) -> None:
        """From now on there is so much time."""
        self._end = time.monotonic() + seconds
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _answer(self, expected: str) -> bytes:
        """The body of the answer; nothing may follow it."""
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            if len(self._data) > LONGEST_HEAD:
                raise ValueError("a head without an end")
            self._receive()
        length = _length(self._data[:end].decode("latin-1"), expected)
        del self._data[: end + 4]
        while len(self._data) < length:
            self._receive()
        body, self._data = self._data, bytearray()
        if len(body) > length:
            raise ValueError("more than was said")
        return bytes(body)

    def _receive(self) -> None:
        # The socket's own timeout is that of one read: a service that sends a byte now and then would hold us for ever.
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        self._socket.settimeout(left)
        piece = self._socket.recv(PIECE)
        if not piece:
            raise ValueError("the answer was cut off")
        self._data += piece


class Talk:
    """Several exchanges, each in its own time, over one line, which is opened anew where the service has closed it in between.
    Raises as `Line` does."""

    def __init__(self, endpoint: str, token: str, ca_cert: str) -> None:
        self._service = endpoint, token, ca_cert
        self._line: Line | None = None

    def __del__(self) -> None:
        # Nobody knows which exchange is the last one.
        if self._line is not None:
            self._line.close()

    def ask(self, method: str, path: str, body: str, expected: str, seconds: float) -> bytes:
        """As `Line.ask`, in ``seconds`` at most."""
        line, self._line = self._line, None
        if line is not None:
            try:
                return self._exchange(line, method, path, body, expected, seconds)
            except TimeoutError:
                raise
            except (OSError, ValueError):
                pass  # most likely it was closed: a service does not keep idle lines for long
        return self._exchange(Line(*self._service, seconds), method, path, body, expected, seconds)

    def _exchange(self, line: Line, method: str, path: str, body: str, expected: str, seconds: float) -> bytes:
        try:
            line.within(seconds)
            answer = line.ask(method, path, body, expected)
        except BaseException:
            line.close()
            raise
        self._line = line
        return answer


def _length(head: str, expected: str) -> int:
    """How long the body is, from status line and headers (RFC 9112, section 6.3; what else it allows counts as unusual)."""
    status, *lines = head.split("\r\n")
    if status.split(" ")[:2] != ["HTTP/1.1", expected]:
        raise ValueError("another status")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError("a header that is none")
        before = f"{headers[name.lower()]}, " if name.lower() in headers else ""
        headers[name.lower()] = before + value.strip()
    if "transfer-encoding" in headers or headers.get("content-encoding", "identity") != "identity":
        raise ValueError("a body in another form")
    told = headers.get("content-length", "0" if expected == "204" else "")
    if not (told.isascii() and told.isdecimal()) or int(told) > LONGEST:
        raise ValueError("a body of unknown length")
    return int(told)


def _connected(place: urllib.parse.SplitResult, ca_cert: str, seconds: float) -> socket.socket:
    tls = place.scheme != "http"
    # As bytes: a text would be encoded for names of other alphabets, with a module of the standard library's for that alone.
    name: Any = (place.hostname or "").encode("ascii")
    line = socket.create_connection((name, place.port or (443 if tls else 80)), seconds)
    if not tls:
        return line
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_cert or None).wrap_socket(line, server_hostname=place.hostname)
    except BaseException:
        line.close()
        raise
