"""An HTTP/1.1 client that costs little: one keep-alive connection, answers with a length."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

Headers = Mapping[str, str]


class HttpError(Exception):
    """An answer that was not hoped for; ``status`` is 0 where there was none."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{status}: {text[:500]}")


class Connection:
    """To one server; ``headers`` go with every request. Opened with the first one."""

    def __init__(self, url: str, headers: Headers) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in {"Host": parts.netloc, **headers}.items())
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Now."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON, its text where it is none, None where it is empty. Raises `HttpError`."""
        status, data, kind = await self.exchange(method, path, body)
        if not 200 <= status < 300:
            raise HttpError(status, data.decode(errors="replace"))
        if not data:
            return None
        return json.loads(data) if kind == b"application/json" else data.decode()

    async def exchange(self, method: str, path: str, body: object = None) -> tuple[int, bytes, bytes]:
        """Status, body and media type. Raises `HttpError` where the connection ends."""
        try:
            return await self._exchange(method, path, body)
        except (OSError, EOFError) as error:
            self.close()
            raise HttpError(0, f"{method} {path}: {error!r}") from error

    async def _exchange(self, method: str, path: str, body: object) -> tuple[int, bytes, bytes]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        data = b"" if body is None else json.dumps(body).encode()
        described = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if body is not None else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{described}\r\n".encode() + data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status, fields = int(head[9:12]), _fields(head)
        length = int(fields.get(b"content-length", b"0"))
        found = await self._reader.readexactly(length) if length else b""
        if fields.get(b"connection") == b"close":
            self.close()
        return status, found, fields.get(b"content-type", b"").partition(b";")[0]


def _fields(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    return {name: value.strip() for name, _, value in pairs}
