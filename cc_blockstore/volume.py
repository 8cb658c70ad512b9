"""One volume, from connected to mounted: see, decide, do, step by step. Runs in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from blockstore.attachment import Volume
from blockstore.errors import BlockstoreError, Refused
from blockstore.iscsi import IscsiPath
from blockstore.report import FilesystemReport, Result, VolumeReport
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import content, device, filesystem, mount, partition
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.plan import device as plan_device
from cc_blockstore.plan import filesystem as plan_filesystem
from cc_blockstore.plan import mount as plan_mount
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan import session as plan_session
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.plan.device import Device, Identity
from cc_blockstore.plan.mount import FstabEntry
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import Batch, Transport
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish


@dataclass(frozen=True)
class Task:
    """One volume to bring up: what is wanted, and how it is reached. ``credentials``: how to connect is known.
    ``serial`` is what the device must answer, "" where nobody named one; ``trouble`` what went wrong in the preparation."""

    wanted: Wanted
    path: IscsiPath
    transport: Transport
    serial: str = ""
    credentials: bool = True
    trouble: BlockstoreError | None = None

    @property
    def volume(self) -> Volume:
        """The volume."""
        return self.wanted.attachment.volume

    @property
    def read_only(self) -> bool:
        """Whether it is attached read-only."""
        return self.wanted.attachment.mode == "ro"


@dataclass(frozen=True)
class Outcome:
    """How it ended: the report, whether the right device is connected, and fstab's lines (None: leave what is there)."""

    report: VolumeReport
    connected: bool
    fstab: tuple[FstabEntry, ...] | None


@dataclass(frozen=True)
class Placed:
    """A file system in its place on the device."""

    wish: FilesystemWish
    node: str
    uuid: str
    label: str
    fresh: bool


class BringUp:
    """The flow of one volume. `run` never raises what is the volume's own fault; it becomes the report's reason."""

    def __init__(self, machine: Machine, task: Task, login: Batch, deadline: Deadline, steps: Steps) -> None:
        self._machine, self._task, self._login, self._deadline, self._steps = machine, task, login, deadline, steps
        self._device: Device | None = None
        self._placed: tuple[Placed, ...] = ()
        self._probed: dict[str, Content] = {}

    def run(self) -> Outcome:
        """Bring the volume up as far as is possible and allowed."""
        try:
            self._connect()
            self._identify()
            if self._task.wanted.wish is not None:
                self._placed = self._shape(self._task.wanted.wish, self._node)
                self._mount()
            self._settle()
        except Refused as error:
            return self._outcome(Result.REFUSED, str(error))
        except (BlockstoreError, OSError) as error:
            return self._outcome(Result.FAILED, str(error))
        return self._outcome(Result.OK, "")

    def _connect(self) -> None:
        task = self._task
        with self._steps.step("login") as mark:
            if task.trouble is not None:
                raise task.trouble
            seen = task.transport.connected(self._machine, task.path)
            decision = plan_session.decide(seen, str(task.path), credentials=task.credentials)
            _refuse(decision)
            if not isinstance(decision, Keep):
                self._login.wait(task.path)
                mark.changed = True

    def _identify(self) -> None:
        task = self._task
        with self._steps.step("device") as mark:
            look = partial(task.transport.device, self._machine, task.path)
            found = wait_for(f"the device of {task.path}", look, self._deadline)
            _refuse(plan_device.decide(found, Identity(task.serial)))
            self._device = found
            # A serial that nobody named is known only now: the disk's first event came too early for its links.
            if device.link(self._machine, task.volume, found.serial):
                device.refresh(self._machine, found.node)
                mark.changed = True

    @property
    def _node(self) -> str:
        return self._device.node if self._device else ""

    def _shape(self, wish: VolumeWish, node: str) -> tuple[Placed, ...]:
        """Partition table and file systems as wished, with udev kept away meanwhile."""
        with partition.held(self._machine, node, self._deadline):
            with self._steps.step("partition") as mark:
                fresh = mark.changed = self._partition(wish, node)
            with self._steps.step("filesystem") as mark:
                places = [node] if wish.table is Table.NONE else [each.node for each in content.partitions(self._machine, node)]
                placed = tuple(self._filesystem(each, place, fresh=fresh) for each, place in zip(wish.filesystems, places))
                mark.changed = any(each.fresh for each in placed)
        return placed

    def _partition(self, wish: VolumeWish, node: str) -> bool:
        parts = [each.node for each in content.partitions(self._machine, node)]
        taken = plan_mount.taken(wish, node, parts, mounts(self._machine))
        if taken:
            _refuse(taken)
        decision, _ = self._closely(node, partial(plan_partition.decide, wish, blank=self._task.volume.blank))
        if isinstance(decision, Do):
            partition.write(self._machine, node, wish, self._deadline)
            return True
        return False

    def _filesystem(self, wish: FilesystemWish, node: str, *, fresh: bool) -> Placed:
        """``fresh``: the partition was made a moment ago on a device that was empty throughout, so it is empty too."""
        decide = partial(plan_filesystem.decide, wish, blank=self._task.volume.blank)
        if fresh:
            seen = replace(content.glance(self._machine, node), kind="", table="", data_at=-1, read_only=self._task.read_only)
            decision = decide(seen)
            _refuse(decision)
        else:
            decision, seen = self._closely(node, decide)
        if isinstance(decision, Do):
            return Placed(wish, node, filesystem.make(self._machine, node, wish), wish.label, True)
        return Placed(wish, node, seen.uuid, seen.label, False)

    def _closely(self, node: str, decide: Callable[[Content], Decision]) -> tuple[Decision, Content]:
        """Decide at a glance where all is as wished; everything else only after a close look. Raises `Refused`."""
        seen = content.glance(self._machine, node, read_only=self._task.read_only)
        decision = decide(seen)
        if not isinstance(decision, Keep) or seen.kind is None:
            seen = self._probe(node)
            decision = decide(seen)
        _refuse(decision)
        return decision, seen

    def _probe(self, node: str) -> Content:
        """A close look, once for each device: under the lock nothing changes it but we."""
        if node not in self._probed:
            self._probed[node] = content.probe(self._machine, node, read_only=self._task.read_only)
        return self._probed[node]

    def _mount(self) -> None:
        with self._steps.step("mount") as mark:
            for each in self._placed:
                decision = plan_mount.decide(each.wish, each.node, mounts(self._machine), swaps(self._machine))
                _refuse(decision)
                if isinstance(decision, Do):
                    mount.do(self._machine, each.wish, each.node, read_only=self._task.read_only, deadline=self._deadline)
                    mark.changed = True
                if each.wish.mount and not self._task.read_only:
                    mark.changed |= mount.own(each.wish)

    def _settle(self) -> None:
        """What is mounted already may still be news to udev; fstab and the links need it."""
        for each in self._placed:
            if each.fresh:
                filesystem.settle(self._machine, each.node, each.uuid, self._deadline)
        device.settle(self._machine, self._task.volume, self._node, self._deadline)

    def _outcome(self, result: Result, reason: str) -> Outcome:
        volume, found = self._task.volume, self._device
        report = VolumeReport(
            volume.id, volume.name, result, self._steps.changed, reason,
            found.node if found else "", found.serial if found else "",
            tuple(_reported(each) for each in self._placed if each.wish.type != "none"), tuple(self._steps.done),
        )  # fmt: skip
        return Outcome(report, found is not None, self._fstab() if result is Result.OK else None)

    def _fstab(self) -> tuple[FstabEntry, ...]:
        patience = max(30, round(self._deadline.at - self._steps.begun))
        return tuple(
            plan_mount.fstab_entry(each.wish, each.uuid, self._task.volume.id, read_only=self._task.read_only, patience=patience)
            for each in self._placed
            if each.wish.mount or each.wish.type == "swap"
        )


def _refuse(decision: Decision) -> None:
    if isinstance(decision, Refuse):
        raise Refused(decision.why, hint=decision.hint)


def _reported(placed: Placed) -> FilesystemReport:
    return FilesystemReport(placed.node, placed.wish.type, placed.uuid, placed.label, placed.wish.mount)
