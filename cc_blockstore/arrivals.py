"""Who is connected goes on; who is not yet waits here, and takes nobody's thread meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from blockstore.errors import DeadlineExceeded
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.plan.decision import Decision
from cc_blockstore.protocols import Batch, Transport, Trouble
from cc_blockstore.task import Task


@dataclass(frozen=True)
class Arrival:
    """A volume whose login is decided: what there was to do, since when it was waited for (None: not at all), what is wrong."""

    task: Task
    decision: Decision
    since: float | None = None
    trouble: Trouble | None = None


def arrivals(
    batches: Mapping[Transport, Batch], tasks: Sequence[Task], deadline: Deadline
) -> Iterator[tuple[Task, Trouble | None]]:
    """Each task as soon as its login is decided, with what is wrong with it; at the deadline all that are left."""
    waiting = list(tasks)

    def look() -> list[tuple[Task, Trouble | None]] | None:
        return [each for transport, batch in batches.items() for each in _decided(batch, transport, waiting)] or None

    while waiting:
        try:
            found = wait_for("the logins", look, deadline)
        except DeadlineExceeded:
            found = [(task, batches[task.transport].overdue(task.path)) for task in waiting]
        gone = {id(task) for task, _ in found}
        waiting = [task for task in waiting if id(task) not in gone]
        yield from found


def _decided(batch: Batch, transport: Transport, waiting: Sequence[Task]) -> list[tuple[Task, Trouble | None]]:
    mine = [task for task in waiting if task.transport is transport]
    arrived = batch.arrived([task.path for task in mine])
    return [(task, arrived[task.path]) for task in mine if task.path in arrived]
