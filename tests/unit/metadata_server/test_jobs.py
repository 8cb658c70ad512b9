"""Work off the event loop: one at a time for a subject, told while somebody listens, and the loop goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.peers.claims import Claims
from metadata_server.workflow import jobs as module
from metadata_server.workflow.jobs import Job, Jobs


class Told:
    """A job that notes what becomes of it."""

    def __init__(self, work: Callable[[], None] = lambda: None, done: Callable[[], None] = lambda: None) -> None:
        self.said: list[str] = []
        self._work, self._done = work, done

    def job(self, subject: str = "volume v") -> Job:
        return Job(
            subject, self._work, done=self._finish,
            undo=lambda: self.said.append("undone"), fail=lambda: self.said.append("failed"),
        )  # fmt: skip

    def _finish(self) -> None:
        self._done()
        self.said.append("done")


def run(scene: Callable[[Jobs], Coroutine[Any, Any, None]]) -> None:
    async def stage(folder: Path) -> None:
        await scene(Jobs(Claims(folder)))

    with TemporaryDirectory() as folder:
        asyncio.run(stage(Path(folder)))


def fails() -> None:
    raise Unavailable("no space left")


def test_who_asked_hears_the_end() -> None:
    async def scene(jobs: Jobs) -> None:
        told = Told()
        jobs.start(told.job())
        assert jobs.busy("volume v")
        await jobs.hear("volume v")
        assert told.said == ["done"]
        assert not jobs.busy("volume v")
        await jobs.hear("volume v")  # there is none any more

    run(scene)


@pytest.mark.parametrize("told", [Told(fails), Told(done=fails)], ids=["the work", "its end"])
def test_what_fails_is_told_and_undone(told: Told) -> None:
    async def scene(jobs: Jobs) -> None:
        jobs.start(told.job())
        with pytest.raises(Unavailable, match="no space left"):
            await jobs.hear("volume v")
        assert told.said == ["undone"]

    run(scene)


def test_what_fails_when_nobody_listens_any_more_is_in_the_row() -> None:
    gate = threading.Event()

    def work() -> None:
        gate.wait()
        fails()

    async def scene(jobs: Jobs) -> None:
        told = Told(work)
        jobs.start(told.job())
        await jobs.hear("volume v", 0.01)
        assert jobs.busy("volume v")
        gate.set()
        await jobs.settle(5)
        assert told.said == ["failed"]

    run(scene)


def test_what_is_taken_up_again_stays_as_it_is_when_it_fails() -> None:
    async def scene(jobs: Jobs) -> None:
        told = Told(fails)
        jobs.resume("volume v", told.job)
        await jobs.settle()
        assert told.said == []
        jobs.resume("volume v", lambda: None)  # done by somebody else meanwhile
        assert not jobs.busy("volume v")
        again = Told()
        jobs.resume("volume v", again.job)
        await jobs.settle()
        assert again.said == ["done"]

    run(scene)


def test_one_at_a_time_for_a_subject_and_the_loop_goes_on() -> None:
    gate, begun = threading.Event(), list[str]()

    async def scene(jobs: Jobs) -> None:
        def work() -> None:
            begun.append("work")
            gate.wait()

        jobs.start(Told(work).job())
        with pytest.raises(Conflict, match="Volume v is being worked on"):
            jobs.check_idle("volume v")
        jobs.resume("volume v", Told(work).job)
        other = Told()
        jobs.start(other.job("volume w"))
        await jobs.hear("volume w")
        assert (other.said, begun) == (["done"], ["work"])
        gate.set()
        await jobs.settle(5)
        assert begun == ["work"]

    run(scene)


def test_no_more_at_once_than_there_are_slots() -> None:
    gate, running, most = threading.Event(), set[int](), list[int]()

    def work() -> None:
        running.add(threading.get_ident())
        most.append(len(running))
        gate.wait()
        running.discard(threading.get_ident())

    async def scene(jobs: Jobs) -> None:
        for number in range(module.SLOTS + 3):
            jobs.start(Told(work).job(f"volume {number}"))
        await asyncio.sleep(0.05)
        assert len(running) == module.SLOTS
        gate.set()
        await jobs.settle(5)
        assert len(most) == module.SLOTS + 3

    run(scene)


def test_a_mistake_of_ours_is_an_error_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(jobs: Jobs) -> None:
        told = Told(lambda: print(1 // 0))
        jobs.start(told.job())
        with pytest.raises(Unavailable, match="made a mistake"):
            await jobs.hear("volume v")
        assert told.said == ["undone"]

    run(scene)
    assert "ZeroDivisionError" in caplog.text
