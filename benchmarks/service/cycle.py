"""The whole life of an attachment, over and over: Cinder's four calls, the same ones whoever answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from benchmarks.service.http import Connection, HttpError
from benchmarks.service.wrk import Found


def connector(initiator: str) -> dict[str, object]:
    """As an instance says who it is."""
    return {
        "initiator": initiator, "ip": "127.0.0.1", "host": "instance", "platform": "x86_64", "os_type": "linux",
        "multipath": False,
    }  # fmt: skip


async def once(connection: Connection, volume: str, initiator: str) -> None:
    """Reserve, connector, complete, detach. Raises `HttpError`, and ValueError where no target was told."""
    wish = {"attachment": {"volume_uuid": volume, "mode": "rw"}}
    identifier = (await connection.ask("POST", "/v3/attachments", wish))["attachment"]["id"]
    path = f"/v3/attachments/{identifier}"
    told = await connection.ask("PUT", path, {"attachment": {"connector": connector(initiator)}})
    if not told["attachment"]["connection_info"]["target_iqn"]:
        raise ValueError("no target was told")
    await connection.ask("POST", f"{path}/action", {"os-complete": {}})
    await connection.ask("DELETE", path)


def load(url: str, headers: Mapping[str, str], volumes: Sequence[str], *, seconds: float) -> Found:
    """One connection for each of these volumes; cycles that began in time are ended, and count."""
    return asyncio.run(_load(url, headers, volumes, seconds))


async def _load(url: str, headers: Mapping[str, str], volumes: Sequence[str], seconds: float) -> Found:
    took: list[float] = []
    errors = 0
    began = time.monotonic()

    async def work(number: int, volume: str) -> None:
        nonlocal errors
        async with Connection(url, headers) as connection:
            while time.monotonic() < began + seconds:
                start = time.monotonic()
                try:
                    await once(connection, volume, f"iqn.2018-12.com.leftasexercise:benchmark-{number}")
                except HttpError:
                    errors += 1
                    if errors > len(volumes):
                        raise
                else:
                    took.append(time.monotonic() - start)

    await asyncio.gather(*(work(number, volume) for number, volume in enumerate(volumes)))
    return found(took, time.monotonic() - began, errors)


def found(took: Sequence[float], lasted: float, errors: int) -> Found:
    """From single times; all zero where there are none."""
    ordered = sorted(took)
    return Found(len(ordered) / lasted, percentile(ordered, 50), percentile(ordered, 99), errors)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least value that so many are not above (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]
