"""The framework's floor: uvicorn with an application that answers the same bytes to everything.

``python -m benchmarks.service.bare PORT SIZE``
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from testbed import process
from testbed.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30.0


@contextmanager
def bare(folder: Path, size: int) -> Iterator[str]:
    """It runs; gives its URL. Every answer has ``size`` bytes."""
    port = free_port()
    started = process.spawn([sys.executable, "-m", "benchmarks.service.bare", str(port), str(size)], folder / "bare.log")
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield url
    finally:
        started.kill()
        started.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            requests.get(url, timeout=START_SECONDS)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _application(size: int) -> Any:
    body = b"x" * size
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % size)]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def main(port: int, size: int) -> None:
    """Until it is killed. The same uvicorn with the same parser and event loop as the server's."""
    import uvicorn

    from metadata_server import loop

    settings = uvicorn.Config(
        _application(size),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
    )
    with asyncio.Runner(loop_factory=loop.FACTORY) as runner:
        runner.run(uvicorn.Server(settings).serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
