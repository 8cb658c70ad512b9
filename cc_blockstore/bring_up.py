"""All volumes side by side: one login for all that need one; then each in its own thread, waiting for nobody else.

Imported only where there is a volume to bring up: with all that it needs it is the larger half of the module.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from blockstore.errors import BlockstoreError
from blockstore.report import Result
from blockstore.values import dataclass
from blockstore.waiting import Deadline
from cc_blockstore.arrivals import Arrival, arrivals
from cc_blockstore.machine import fstab, ledger, mount_call, service
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.weight import Precedence
from cc_blockstore.plan import session as plan_session
from cc_blockstore.plan.decision import Decision, Do, Keep, Wait
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task
from cc_blockstore.turns import Turns

if TYPE_CHECKING:
    from cc_blockstore.plan.points import Below
    from cc_blockstore.volume import Outcome

# Threads for each processor, and at most: more of them on one processor mostly take it from each other, while with several much
# of a volume's time is waiting for its target.
PARALLEL, MOST = 8, 32


@dataclass(frozen=True)
class Together:
    """The machine, how long there is time, who has the processor first meanwhile, where a volume's steps (by its name) are told,
    who hears of each one's end, and the serials that were named, each with its volume."""

    machine: Machine
    deadline: Deadline
    precedence: Precedence
    steps: Callable[[str], Steps]
    ended: Callable[[Task, Outcome], None]
    named: Mapping[str, str]

    def run(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Bring these up; the outcomes are in the tasks' order."""
        self.precedence.own()
        with ThreadPoolExecutor(min(_parallel(), len(tasks)), thread_name_prefix="volume") as pool:
            turns = Turns(pool, tasks)
            flows = {id(each.task): pool.submit(self._flow, each, turns) for each in self._logins(tasks)}
            return [flows[id(task)].result().result() for task in tasks]

    def _flow(self, arrival: Arrival, turns: Turns) -> Future[Outcome]:
        """As far as each can go at once; the mount in its turn."""
        from cc_blockstore.volume import BringUp

        task, steps = arrival.task, self.steps(arrival.task.volume.name)
        bring_up = BringUp(self.machine, arrival, self.deadline, steps, self.named)
        try:
            early = bring_up.begin()
        except BaseException:
            turns.over(task.volume.id, ())
            raise

        def rest(absent: Sequence[Below]) -> Outcome:
            outcome = early or bring_up.finish(absent)
            self.ended(task, outcome)
            return outcome

        return turns.take(task.volume.id, () if early else task.wanted.below, rest)

    def _logins(self, tasks: Sequence[Task]) -> Iterator[Arrival]:
        """One login for all that need one. Each task comes as soon as its disk is there, or it is known why it will not be."""
        decided = {id(task): self._decision(task) for task in tasks}
        missing = [task for task in tasks if isinstance(decided[id(task)], Do)]
        waiting = [task for task in tasks if isinstance(decided[id(task)], (Do, Wait))]
        since = self.machine.clock.monotonic()
        batches = {
            transport: transport.login(
                self.machine, [each.path for each in missing if each.transport is transport], self.deadline
            )
            for transport in {task.transport for task in waiting}
        }
        import cc_blockstore.volume  # noqa: F401 - half of all imports, while iscsid and the kernel log in

        if missing:  # what nobody had logged in to, nobody has mounted
            mount_call.load()
        yield from (
            Arrival(task, decided[id(task)], None, task.trouble)
            for task in tasks
            if not isinstance(decided[id(task)], (Do, Wait))
        )
        recovering = [task.path for task in waiting if isinstance(decided[id(task)], Wait)]
        for task, trouble in arrivals(self.machine, batches, waiting, self.deadline, recovering):
            self.precedence.service(task.transport.service)  # not before: it may be started by the first login only
            yield Arrival(task, decided[id(task)], since, trouble)
        for batch in batches.values():
            batch.finish()

    def _decision(self, task: Task) -> Decision:
        if task.trouble is not None:
            return Keep("not looked at: its login could not be prepared")
        seen = task.transport.connected(self.machine, task.path)
        return plan_session.decide(seen, str(task.path), credentials=task.credentials)


def _parallel() -> int:
    return min(MOST, PARALLEL * len(os.sched_getaffinity(0)))


def settle(machine: Machine, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Their lines of fstab, the logout at shutdown, and what the next boot is not to connect. The volumes are mounted already:
    what goes wrong here concerns that boot, and is told."""
    faults = list[str]()
    try:
        fstab.update(machine, {each.report.id: each.fstab for each in outcomes if each.fstab is not None})
    except (BlockstoreError, OSError) as error:
        faults.append(f"fstab: {error}")
    try:
        if any(step.step == "login" and step.changed for each in outcomes for step in each.report.steps):
            service.arm_logout(machine)
    except (BlockstoreError, OSError) as error:
        faults.append(f"the logout at shutdown: {error}")
    try:
        _hold_back(machine, {each.report.id for each in outcomes if each.report.result is Result.REFUSED and not each.connected})
    except OSError as error:
        faults.append(f"what the next boot connects: {error}")
    return tuple(faults)


def _hold_back(machine: Machine, strange: Collection[str]) -> None:
    """Of these volumes (by id) the disk was not the right one. It may have another one's serial, and udev would give it that
    one's links as soon as it is connected: at a boot, before systemd mounts by them, and before we can look."""
    for volume_id, known in ledger.read_all(machine).items() if strange else ():
        if volume_id in strange and not known.borrowed:
            TRANSPORTS[known.transport].hold_back(machine, known.path)
