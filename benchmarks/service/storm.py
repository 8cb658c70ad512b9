"""Instances that boot, in a process of their own: each asks what a guest asks (`cc_blockstore.client`), in the same order, over
one connection that is kept. ``python -m benchmarks.service.storm URL FILE SECONDS``; the last line is one JSON object."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.service import seeding
from benchmarks.service.cycle import connector, percentile
from benchmarks.service.http import Connection, HttpError
from benchmarks.service.measure import Storm
from benchmarks.service.seeding import Seeded
from blockstore.report import FilesystemReport, Report, Result, StepReport, VolumeReport

DOCUMENTS = ("meta-data", "user-data", "vendor-data", "network-config")
PATIENCE = 2.0


@dataclass
class Tally:
    """Seconds of every request, and of every whole boot."""

    requests: list[float] = field(default_factory=list)
    boots: list[float] = field(default_factory=list)
    errors: int = 0


class Guest:
    """One instance."""

    def __init__(self, url: str, me: Seeded, tally: Tally) -> None:
        self._me, self._tally = me, tally
        self._connection = Connection(url, {"Authorization": f"Bearer {me.token}", "Accept-Encoding": "identity"})

    async def boot(self, after: float) -> None:
        """In ``after`` seconds. Raises `HttpError`."""
        await asyncio.sleep(after)
        begun = time.monotonic()
        try:
            await self._boot()
        except HttpError as error:
            self._tally.errors += 1
            print(error, file=sys.stderr)
        finally:
            self._connection.close()
        self._tally.boots.append(time.monotonic() - begun)

    async def _boot(self) -> None:
        for name in DOCUMENTS:
            await self._ask("GET", f"/v1/{name}")
        listed = await self._ask("GET", "/v1/attachments")
        for each in json.loads(listed)["attachments"]:
            path = f"/v1/attachments/{each['id']}"
            told = json.loads(await self._ask("PUT", path, {"attachment": {"connector": connector(self._me.initiator)}}))
            if not told["attachment"]["connection_info"]["auth_password"]:
                raise HttpError(200, "no secret was told")
            await self._ask("POST", f"{path}/action", {"os-complete": {}})
        await self._ask("PUT", "/v1/report", report(self._me).to_wire())

    async def _ask(self, method: str, path: str, body: object = None) -> bytes:
        begun = time.monotonic()
        status, data, _ = await self._connection.exchange(method, path, body)
        self._tally.requests.append(time.monotonic() - begun)
        if not 200 <= status < 300 and not (status == 404 and path == "/v1/network-config"):
            raise HttpError(status, f"{method} {path}: {data.decode(errors='replace')}")
        return data


def report(me: Seeded) -> Report:
    """Of a boot that went well."""
    steps = tuple(
        StepReport(step, changed=True, start_ms=10, ms=20) for step in ("login", "device", "partition", "filesystem", "mount")
    )
    filesystem = FilesystemReport("/dev/sda1", "ext4", "00000000-0000-0000-0000-000000000000", "data", "/srv/data")
    volume = VolumeReport(me.volume, "data", Result.OK, changed=True, filesystems=(filesystem,), steps=steps)
    return Report(me.instance, me.initiator, "2026-01-01T00:00:00+00:00", 812, (volume,))


def summed(tally: Tally, instances: int, seconds: float, lasted: float, client: float) -> Storm:
    """What the storm was like."""
    requests, boots = sorted(tally.requests), sorted(tally.boots)
    return Storm(
        instances, seconds, tally.errors, percentile(requests, 50), percentile(requests, 99), percentile(requests, 100),
        sum(each > PATIENCE for each in requests), percentile(boots, 50), percentile(boots, 100), lasted, client,
    )  # fmt: skip


async def storm(url: str, guests: list[Seeded], seconds: float) -> Storm:
    """All of them, spread evenly over so many seconds."""
    tally, begun, used = Tally(), time.monotonic(), _used()
    await asyncio.gather(*(Guest(url, me, tally).boot(seconds * number / len(guests)) for number, me in enumerate(guests)))
    lasted = time.monotonic() - begun
    return summed(tally, len(guests), seconds, lasted, (_used() - used) / lasted)


def _used() -> float:
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime


def main(url: str, file: str, seconds: str) -> None:
    """See above."""
    guests = seeding.read(Path(file))
    print(json.dumps(asdict(asyncio.run(storm(url, guests, float(seconds))))))


if __name__ == "__main__":
    main(*sys.argv[1:])
