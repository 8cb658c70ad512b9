"""Everybody at once on one machine, and what each can be asked: a measurement is a call of the number of connections."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.service import cycle, seeding, wrk
from benchmarks.service.bare import bare
from benchmarks.service.cinder import Cinder
from benchmarks.service.measure import Contender, Storm, Task
from benchmarks.service.nova.local import CACHED, PATH, UNCACHED, LocalNova
from benchmarks.service.ours import Ours
from benchmarks.service.wrk import Asked, Found
from testbed.command import run
from testbed.server import LocalServer

ROOT = Path(__file__).resolve().parents[2]
STORM_SECONDS = 1800.0
# What one new export costs a tgtd grows with the square of those that it has (docs/scaling.md).
STORM_DAEMONS = 8


@dataclass(frozen=True)
class Size:
    """How much of everything there is: ``connections`` at most, attachments in the large and in the small database, instances of
    Nova's."""

    connections: int
    small: int
    large: int
    instances: int


Ask = Callable[[int, float], Found]


class Laboratory:
    """In a `with` block: all of them run. ``asks``: what can be measured, by contender and task."""

    def __init__(self, size: Size, only: Collection[Contender] = tuple(Contender)) -> None:
        self._size, self._only, self._stack = size, only, ExitStack()
        self.asks: Mapping[tuple[Contender, Task], Ask] = {}

    def __enter__(self) -> Self:
        with self._stack:
            self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="blockstore-server-benchmark-")))
            _say("starting the servers")
            for start, contenders in (
                (self._ours, {Contender.OURS, Contender.BARE}), (self._sizes, {Contender.SMALL, Contender.LARGE}),
                (self._nova, {Contender.NOVA_CACHED, Contender.NOVA_UNCACHED}), (self._cinder, {Contender.CINDER}),
            ):  # fmt: skip
                if contenders.intersection(self._only):
                    self.asks = {**self.asks, **start()}
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def _ours(self) -> Mapping[tuple[Contender, Task], Ask]:
        count = self._size.connections
        ours = self._stack.enter_context(Ours(self._folder / "ours", attachments=self._size.instances, volumes=count, each=1))
        floor = self._stack.enter_context(bare(self._folder, ours.document_size()))
        constant = [Asked("/v1/meta-data", {})]
        return {
            (Contender.OURS, Task.FIRST_FETCH): _wrk(ours.instance, ours.fleet()),
            (Contender.OURS, Task.REPEAT_FETCH): _wrk(ours.instance, ours.fleet()[:1]),
            (Contender.OURS, Task.SHOW): _shown(ours),
            (Contender.OURS, Task.CYCLE): _cycle(ours),
            (Contender.BARE, Task.CONSTANT): _wrk(floor, constant),
        }

    def _sizes(self) -> Mapping[tuple[Contender, Task], Ask]:
        found: dict[tuple[Contender, Task], Ask] = {}
        for contender, amount in ((Contender.SMALL, self._size.small), (Contender.LARGE, self._size.large)):
            _say(f"seeding {amount} attachments")
            ours = Ours(self._folder / contender.name.lower(), attachments=amount, volumes=self._size.connections)
            self._stack.enter_context(ours)
            found |= {
                (contender, Task.FIRST_FETCH): _wrk(ours.instance, ours.fleet()),
                (contender, Task.OWN_LIST): _wrk(ours.instance, ours.lists()),
                (contender, Task.SHOW): _wrk(ours.operator, ours.shows()),
                (contender, Task.CYCLE): _cycle(ours),
            }
        return found

    def _nova(self) -> Mapping[tuple[Contender, Task], Ask]:
        nova = self._stack.enter_context(LocalNova(self._folder / "nova", min(self._size.instances, 100)))
        fleet = [Asked(PATH, nova.headers(each)) for each in nova.instances]
        return {
            (Contender.NOVA_UNCACHED, Task.FIRST_FETCH): _wrk(nova.url(UNCACHED), fleet),
            (Contender.NOVA_CACHED, Task.REPEAT_FETCH): _wrk(nova.url(CACHED), fleet[:1]),
        }

    def _cinder(self) -> Mapping[tuple[Contender, Task], Ask]:
        cinder = self._stack.enter_context(Cinder(self._folder / "cinder", self._size.connections))
        return {(Contender.CINDER, Task.SHOW): _shown(cinder), (Contender.CINDER, Task.CYCLE): _cycle(cinder)}


def storm(instances: int, seconds: float) -> Storm:
    """So many instances boot within so many seconds: a server of its own, with several tgtd, a volume for each instance."""
    with tempfile.TemporaryDirectory(prefix="blockstore-storm-") as folder:
        seeded = seeding.seed(Path(folder) / "state", instances, each=1, files=True)
        seeding.write(Path(folder) / "instances", seeded)
        configured = Path(folder) / "server.toml"
        configured.write_text(f"[targets]\ndaemons = {STORM_DAEMONS}\n")
        with LocalServer(Path(folder) / "state", advertised_host="", options=("--config", str(configured))) as server:
            argv = [
                sys.executable,
                "-m",
                "benchmarks.service.storm",
                server.instance_url,
                str(Path(folder) / "instances"),
                str(seconds),
            ]
            said = run(argv, timeout=STORM_SECONDS, environment={**os.environ, "PYTHONPATH": str(ROOT)})
    return Storm(**json.loads(said.splitlines()[-1]))


def _wrk(url: str, requests: Sequence[Asked]) -> Ask:
    return lambda connections, seconds: wrk.load(url, requests, connections=connections, seconds=seconds)


def _shown(server: Ours | Cinder) -> Ask:
    def ask(connections: int, seconds: float) -> Found:
        attachments = server.connect()
        try:
            return wrk.load(server.operator, server.shows(attachments), connections=connections, seconds=seconds)
        finally:
            server.release(attachments)

    return ask


def _cycle(server: Ours | Cinder) -> Ask:
    return lambda connections, seconds: cycle.load(server.operator, server.headers, server.volumes[:connections], seconds=seconds)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
