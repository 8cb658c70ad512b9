"""Mounts below other volumes' mounts: each waits until those above have had their turn, and takes no thread meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING

from blockstore.values import dataclass
from cc_blockstore.task import Task

if TYPE_CHECKING:
    from cc_blockstore.plan.points import Below
    from cc_blockstore.volume import Outcome


@dataclass
class Turn:
    """The rest of a volume's way: ``go`` is called with those of ``below`` that are below a volume which is not up."""

    volume_id: str
    below: Sequence[Below]
    go: Callable[[Sequence[Below]], Outcome]
    end: Future[Outcome]


class Turns:
    """Who is on the way, what is mounted by now, and who waits. ``pool`` is where those go on."""

    def __init__(self, pool: Executor, tasks: Iterable[Task]) -> None:
        self._pool, self._guard = pool, threading.Lock()
        self._under_way = {task.volume.id for task in tasks}
        self._mounted: set[str] = set()
        self._waiting: list[Turn] = []

    def take(self, volume_id: str, below: Sequence[Below], go: Callable[[Sequence[Below]], Outcome]) -> Future[Outcome]:
        """Go now, where nobody is waited for, else as soon as nobody is any more; a volume has one turn. The end is told."""
        turn = Turn(volume_id, below, go, Future())
        with self._guard:
            if self._must_wait(turn):
                self._waiting.append(turn)
                return turn.end
        self._go(turn)
        return turn.end

    def over(self, volume_id: str, mounted: Iterable[str]) -> None:
        """This volume is as far as it gets; ``mounted`` are its mount points."""
        with self._guard:
            self._under_way.discard(volume_id)
            self._mounted.update(mounted)
            waiting, self._waiting = self._waiting, [each for each in self._waiting if self._must_wait(each)]
            free = [each for each in waiting if not self._must_wait(each)]
        for each in free:
            self._pool.submit(self._go, each)

    def _go(self, turn: Turn) -> None:
        mounted: tuple[str, ...] = ()
        try:
            outcome = turn.go([each for each in turn.below if each.above not in self._mounted])
            mounted = outcome.mounted
        except BaseException as error:
            turn.end.set_exception(error)
        else:
            turn.end.set_result(outcome)
        finally:
            self.over(turn.volume_id, mounted)

    def _must_wait(self, turn: Turn) -> bool:
        return any(each.volume_id in self._under_way for each in turn.below)
