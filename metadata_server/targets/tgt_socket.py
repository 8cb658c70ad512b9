"""tgtd's control socket, without tgtadm: 52 microseconds instead of 2 milliseconds, and no password on any argv.

The struct is that of tgt's ``usr/tgtadm.h``, in the machine's own byte order, unchanged since 2012. tgtd answers only a
peer whose user and group are its own (SO_PEERCRED).
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import closing
from pathlib import Path

from metadata_server.domain.errors import Unavailable
from metadata_server.targets.tgt_request import Mode, Operation, Request, TgtError

_REQUEST = struct.Struct("=II64sIiQQIIIIII")
_ANSWER = struct.Struct("=II")
_CREDENTIALS = struct.Struct("=iII")
_DONE = _ANSWER.pack(0, _ANSWER.size)

# Requests take microseconds; a tgtd that is silent for this long hangs. The kernel looks to that (socket(7) SO_RCVTIMEO): Python
# would ask it before every call whether there is something.
TIMEOUT = 5
_TIMEVAL = struct.pack("@ll", TIMEOUT, 0)


class SocketControl:
    """Requests over the socket at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def send(self, request: Request) -> str:
        """See `Control.send`."""
        connection = self._connect()
        try:
            answer = _asked(connection, request)
        finally:
            connection.close()
        if answer == _DONE:
            return ""
        if len(answer) < _ANSWER.size:
            raise Unavailable("tgtd closed its control socket without an answer", hint="it must run as the same user and group")
        code, _ = _ANSWER.unpack_from(answer)
        if code:
            raise TgtError(request, code)
        return answer[_ANSWER.size :].rstrip(b"\0").decode(errors="replace")

    def peer(self) -> int:
        """The process id of the tgtd that listens here. Raises `Unavailable` when none does."""
        with closing(self._connect()) as connection:
            pid, user, group = _CREDENTIALS.unpack(
                connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            )
            if (user, group) != (os.geteuid(), os.getegid()):
                raise Unavailable(f"the tgtd at {self._path} runs as another user ({user}:{group}) and would not listen to us")
            # Asked something, whatever it is: a connection that ends without a request tgtd may keep for ever, and read its end
            # again and again, with a whole core (usr/mgmt.c judges a read of 0 bytes by errno, which that does not set).
            _asked(connection, Request(Mode.PORTAL, Operation.SHOW, tid=-1))
        return int(pid)

    def _connect(self) -> socket.SocketType:
        # The type below `socket.socket`, which does nothing here but count who else might use it.
        try:
            connection = socket.SocketType(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        except OSError as error:  # no descriptor is left
            raise Unavailable(f"cannot ask tgtd: {error.strerror}") from error
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            raise Unavailable(f"no tgtd listens: {error}") from error
        return connection


def _asked(connection: socket.SocketType, request: Request) -> bytes:
    try:
        connection.sendall(_packed(request))
        answer = part = connection.recv(65536)
        while part and answer != _DONE and len(answer) < _length(answer):
            part = connection.recv(65536)
            answer += part
        return answer
    except OSError as error:
        raise Unavailable(f"tgtd did not answer: {error}") from error


def _length(answer: bytes) -> int:
    """Of the whole answer, as its beginning says: to wait for the end of the connection costs tgtd one more turn."""
    return int(_ANSWER.unpack_from(answer)[1]) if len(answer) >= _ANSWER.size else _ANSWER.size


def _packed(request: Request) -> bytes:
    payload = request.payload().encode() + b"\0" if request.parameters else b""
    lld = b"" if request.mode is Mode.SYSTEM else b"iscsi"
    no_host, disk, no_pack = 0, 0, 0
    return _REQUEST.pack(
        request.mode, request.operation, lld, _REQUEST.size + len(payload), request.tid, request.session, request.lun,
        request.connection, no_host, disk, int(request.outgoing), no_pack, int(request.force),
    ) + payload  # fmt: skip
