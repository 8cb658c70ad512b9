"""Answers that are held: how many of one instance, and no longer than somebody is there to read them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.requests import Request

from metadata_server.api.errors import TooMany


class Waits:
    """Of all instances; only those that wait are in here."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._now: dict[str, int] = {}

    async def hold(self, request: Request, instance: str, change: Coroutine[Any, Any, bool]) -> bool:
        """What ``change`` gives; False as well where the caller went away. Raises `TooMany`."""
        if self._now.get(instance, 0) >= self._most:
            change.close()
            raise TooMany(f"{self._most} answers are held for this instance already")
        self._now[instance] = self._now.get(instance, 0) + 1
        try:
            return await _while_there(request, change)
        finally:
            self._now[instance] -= 1
            if not self._now[instance]:
                del self._now[instance]


async def _while_there(request: Request, change: Coroutine[Any, Any, bool]) -> bool:
    task, waiting = asyncio.current_task(), True
    watcher = asyncio.ensure_future(_gone(request))

    def cancel(_watcher: object) -> None:
        if waiting and task is not None:
            task.cancel()

    watcher.add_done_callback(cancel)
    try:
        # In this very task: one of its own would begin a moment later, and a change in between would be missed.
        return await change
    except asyncio.CancelledError:
        if not watcher.done() or task is None:
            raise
        task.uncancel()
        return False
    finally:
        waiting = False
        watcher.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
