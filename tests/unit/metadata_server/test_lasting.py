"""Many wait for one fsync; who came after it began waits for the next one; after a failed one nobody is told that all is well."""

from __future__ import annotations

import asyncio
import errno
import os
import threading

import pytest

from metadata_server.domain.errors import Unavailable
from metadata_server.store import lasting as module
from metadata_server.store.lasting import Lasting


class Disk:
    """fsync as we like it: each waits until it is let go."""

    def __init__(self, monkeypatch):
        self.begun, self.error = 0, None
        self.gate = threading.Semaphore(0)
        monkeypatch.setattr(module, "_sync", self._sync)

    def _sync(self, _descriptor):
        self.begun += 1
        assert self.gate.acquire(timeout=10)
        if self.error:
            raise self.error

    async def begins(self, count):
        while self.begun < count:
            await asyncio.sleep(0.001)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@pytest.fixture
def lasting(tmp_path):
    log = tmp_path / "state.db-wal"
    log.touch()
    made = Lasting(log)
    yield made
    made.close()


def test_nothing_written_nothing_waited_for(disk, lasting):
    asyncio.run(lasting.settled())
    assert disk.begun == 0


def test_many_share_one(disk, lasting):
    async def scene():
        lasting.wrote()
        waiting = [asyncio.ensure_future(lasting.settled()) for _ in range(50)]
        await disk.begins(1)
        assert not any(each.done() for each in waiting)
        disk.gate.release()
        await asyncio.gather(*waiting)

    asyncio.run(scene())
    assert disk.begun == 1


def test_what_was_written_during_one_needs_another(disk, lasting):
    async def scene():
        lasting.wrote()
        first = asyncio.ensure_future(lasting.settled())
        await disk.begins(1)
        lasting.wrote()
        second = asyncio.ensure_future(lasting.settled())
        await asyncio.sleep(0)
        disk.gate.release()
        await first
        await disk.begins(2)
        assert not second.done()
        disk.gate.release()
        await second

    asyncio.run(scene())
    assert disk.begun == 2


def test_who_only_reads_waits_for_what_it_may_have_read(disk, lasting):
    async def scene():
        lasting.wrote()
        reader = asyncio.ensure_future(lasting.settled())
        await disk.begins(1)
        assert not reader.done()
        disk.gate.release()
        await reader

    asyncio.run(scene())


def test_one_who_goes_away_does_not_end_it_for_the_others(disk, lasting):
    async def scene():
        lasting.wrote()
        gone, stays = (asyncio.ensure_future(lasting.settled()) for _ in range(2))
        await disk.begins(1)
        gone.cancel()
        disk.gate.release()
        await stays

    asyncio.run(scene())
    assert disk.begun == 1


def test_after_a_failed_one_all_are_refused(disk, lasting):
    disk.error = OSError(errno.EIO, "Input/output error")
    disk.gate.release()

    async def scene():
        lasting.wrote()
        with pytest.raises(Unavailable, match="cannot be written to the disk: Input/output error"):
            await lasting.settled()
        disk.error = None
        lasting.wrote()
        with pytest.raises(Unavailable):
            await lasting.settled()

    asyncio.run(scene())
    assert disk.begun == 1


def test_where_every_commit_lasts_nobody_waits():
    nothing = Lasting(None)
    nothing.wrote()
    asyncio.run(nothing.settled())


def test_all_that_is_answered_in_one_turn_of_the_loop_shares_one(disk, lasting):
    async def answer():
        lasting.wrote()
        await lasting.settled()

    async def scene():
        answers = [asyncio.ensure_future(answer()) for _ in range(50)]
        disk.gate.release()
        await asyncio.gather(*answers)

    asyncio.run(scene())
    assert disk.begun == 1


def test_the_log_itself_is_flushed_also_when_it_was_made_anew(lasting, tmp_path, monkeypatch):
    log, flushed = tmp_path / "state.db-wal", []
    monkeypatch.setattr(module.os, "fdatasync", lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))

    def flush():
        lasting.wrote()
        asyncio.run(lasting.settled())
        return flushed[-1]

    first = log.stat().st_ino
    assert [flush(), flush()] == [first, first]
    (tmp_path / "new").touch()
    (tmp_path / "new").rename(log)
    lasting.forget()
    assert flush() == log.stat().st_ino != first


def test_a_log_that_is_not_there_is_said(lasting, tmp_path):
    (tmp_path / "state.db-wal").unlink()
    lasting.wrote()
    with pytest.raises(Unavailable, match="cannot be written to the disk: No such file"):
        asyncio.run(lasting.settled())
