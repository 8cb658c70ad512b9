"""What stands in front of an OpenStack service and speaks TLS for it, as a load balancer does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import trustme


class Authority:
    """Signs for 127.0.0.1; ``ca`` is the file that clients trust."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca))

    @contextlib.contextmanager
    def terminating(self, url: str) -> Iterator[str]:
        """The same service by https."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1").configure_cert(context)
        parts = urlsplit(url)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            upstream = (str(parts.hostname), int(parts.port or 80))
            threading.Thread(target=_serve, args=(listening, context, upstream), daemon=True).start()
            yield parts._replace(scheme="https", netloc=f"127.0.0.1:{listening.getsockname()[1]}").geturl()
            listening.shutdown(socket.SHUT_RDWR)  # wakes the thread


def _serve(listening: socket.socket, context: ssl.SSLContext, upstream: tuple[str, int]) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_join, args=(plain, context, upstream), daemon=True).start()


def _join(plain: socket.socket, context: ssl.SSLContext, upstream: tuple[str, int]) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(plain, server_side=True) as near,
        socket.create_connection(upstream) as far,
    ):
        threading.Thread(target=_pump, args=(far, near), daemon=True).start()
        _pump(near, far)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
