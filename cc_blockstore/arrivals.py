"""Whose disk is there goes on; who is not that far waits here, and takes nobody's thread meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from blockstore.errors import DeadlineExceeded, DeviceMissing
from blockstore.iscsi import IscsiPath
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.decision import Decision
from cc_blockstore.protocols import Batch, Transport, Trouble
from cc_blockstore.task import Task


@dataclass(frozen=True)
class Arrival:
    """A volume that need wait no longer: what there was to do, since when it was waited for (None: not at all), what is wrong."""

    task: Task
    decision: Decision
    since: float | None = None
    trouble: Trouble | None = None


def arrivals(
    machine: Machine, batches: Mapping[Transport, Batch], tasks: Sequence[Task], deadline: Deadline,
    recovering: Collection[IscsiPath] = (),
) -> Iterator[tuple[Task, Trouble | None]]:  # fmt: skip
    """Each task as soon as its disk is there, or it is known what is wrong with its login; at the deadline all that are left.
    ``recovering``: whose session is an old one, so that the kernel has to be told to look for a disk that is not there."""
    waiting = _Waiting(machine, batches, tasks, recovering)
    with machine.new_disks(machine.clock) as doze:
        while waiting.tasks:
            try:
                yield from wait_for("the logins", waiting.come, deadline, doze=doze)
            except DeadlineExceeded:
                yield from waiting.overdue()


class _Waiting:
    """Those who are still to come."""

    def __init__(
        self, machine: Machine, batches: Mapping[Transport, Batch], tasks: Sequence[Task], recovering: Collection[IscsiPath]
    ) -> None:
        self.tasks = list(tasks)
        self._machine, self._batches, self._recovering = machine, batches, frozenset(recovering)
        self._connected: dict[IscsiPath, float] = {}

    def come(self) -> list[tuple[Task, Trouble | None]] | None:
        """Those who need wait no longer; None for nobody."""
        wrong = self._login()
        there = wrong.keys() | self._disks() | (self._recovering & self._connected.keys())
        found = [(task, wrong.get(task.path)) for task in self.tasks if task.path in there]
        gone = {id(task) for task, _ in found}
        self.tasks = [task for task in self.tasks if id(task) not in gone]
        return found or None

    def overdue(self) -> list[tuple[Task, Trouble | None]]:
        """All that are left, at the deadline."""
        left, self.tasks = self.tasks, []
        return [(task, self._overdue(task)) for task in left]

    def _overdue(self, task: Task) -> Trouble:
        since = self._connected.get(task.path)
        if since is None:
            return self._batches[task.transport].overdue(task.path)
        seconds = self._machine.clock.monotonic() - since
        return DeviceMissing(f"connected to {task.path}, but no device came in {seconds:.0f} s", hint="has the target that LUN?")

    def _login(self) -> dict[IscsiPath, Trouble]:
        """Notice who is connected by now; what is wrong with whom."""
        wrong: dict[IscsiPath, Trouble] = {}
        for transport, batch in self._batches.items():
            paths = [task.path for task in self.tasks if task.transport is transport and task.path not in self._connected]
            for path, trouble in batch.arrived(paths).items() if paths else ():
                if trouble is None:
                    self._connected[path] = self._machine.clock.monotonic()
                else:
                    wrong[path] = trouble
        return wrong

    def _disks(self) -> set[IscsiPath]:
        """Whose disk the kernel has found; only who is connected is asked about."""
        found: set[IscsiPath] = set()
        for transport in self._batches:
            paths = [task.path for task in self.tasks if task.transport is transport and task.path in self._connected]
            found.update(transport.disks(self._machine, paths) if paths else ())
        return found
