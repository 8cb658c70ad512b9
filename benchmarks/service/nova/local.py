"""Nova's metadata service as processes: the database filled, uwsgi started twice, with its cache and without."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import requests

from benchmarks.service.nova import configuration
from testbed import pinned, process
from testbed.command import run
from testbed.ports import free_port
from testbed.postgresql import LocalPostgresql

HERE = Path(__file__).parent
INSIDE = HERE / "inside"
PROJECT = "0123456789abcdef0123456789abcdef"
PATH = "/openstack/latest/meta_data.json"
# Seconds that an instance is remembered: Nova's default, and not at all.
CACHED, UNCACHED = 15, 0
START_SECONDS, PREPARE_SECONDS = 60.0, 300.0


class LocalNova:
    """A context manager. ``instances`` are the ids of those that it knows."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._stack = folder, ExitStack()
        self.instances = tuple(str(uuid.uuid4()) for _ in range(count))
        self._ports: dict[int, int] = {}

    def __enter__(self) -> Self:
        with self._stack:
            self._venv = pinned.build("nova", HERE / "constraints.txt", ("nova", "psycopg2-binary", "uwsgi"))
            postgresql = LocalPostgresql()
            self._stack.callback(postgresql.stop)
            words = {"database": _url(postgresql), "api_database": _url(postgresql), "neutron": self._neutron()}
            files = {
                cache: configuration.write(self._folder / f"cache-{cache}", self._venv, cache=cache, **words)  # type: ignore[arg-type]
                for cache in (CACHED, UNCACHED)
            }
            self._fill(files[CACHED])
            for cache, file in files.items():
                self._serve(cache, file)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def url(self, cache: int) -> str:
        """Of the service that remembers an instance for so many seconds."""
        return f"http://127.0.0.1:{self._ports[cache]}"

    def headers(self, instance: str) -> Mapping[str, str]:
        """As Neutron's metadata proxy would send them for this instance."""
        signature = hmac.new(configuration.SECRET.encode(), instance.encode(), hashlib.sha256).hexdigest()
        return {
            "X-Instance-ID": instance, "X-Tenant-ID": PROJECT, "X-Forwarded-For": "10.0.0.5",
            "X-Instance-ID-Signature": signature,
        }  # fmt: skip

    def _neutron(self) -> int:
        port = free_port()
        self._spawn("neutron", "bin/python", INSIDE / "neutron.py", str(port))
        return port

    def _fill(self, file: Path) -> None:
        manage = [str(self._venv / "bin/nova-manage"), "--config-file", str(file)]
        run([*manage, "api_db", "sync"], timeout=PREPARE_SECONDS)
        run([*manage, "db", "sync", "--local_cell"], timeout=PREPARE_SECONDS)
        python = str(self._venv / "bin/python")
        run([python, str(INSIDE / "instances.py"), str(file), PROJECT, *self.instances], timeout=PREPARE_SECONDS)

    def _serve(self, cache: int, file: Path) -> None:
        port = self._ports[cache] = free_port()
        self._spawn(
            f"uwsgi-{cache}", "bin/uwsgi", "--http-socket", f"127.0.0.1:{port}",
            "--add-header", "Connection: close", "--processes", "1", "--master", "--lazy-apps",
            "--die-on-term", "--buffer-size", "16384", "--disable-logging", "--module", "nova.wsgi.metadata:application",
            environment={"OS_NOVA_CONFIG_DIR": str(file.parent)},
        )  # fmt: skip
        self._wait(cache)

    def _spawn(self, name: str, program: str, *words: str | Path, environment: Mapping[str, str] | None = None) -> None:
        log = self._folder / f"{name}.log"
        started = process.spawn([self._venv / program, *words], log, environment={**os.environ, **(environment or {})})
        self._stack.callback(started.wait)
        self._stack.callback(started.kill)

    def _wait(self, cache: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                answer = requests.get(self.url(cache) + PATH, headers=dict(self.headers(self.instances[0])), timeout=30)
            except requests.ConnectionError:
                answer = None
            if answer is not None and answer.status_code == 200:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Nova's metadata service did not start: {answer.text if answer is not None else 'no answer'}")
            time.sleep(0.2)


def _url(postgresql: LocalPostgresql) -> str:
    """Of a new database, as Nova's SQLAlchemy wants it."""
    return f"postgresql+psycopg2://blockstore:{postgresql.password}@/{postgresql.database()}?host={postgresql.folder}"
