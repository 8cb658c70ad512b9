"""One volume, from connected to mounted: see, decide, do, step by step. Runs in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from blockstore.errors import BlockstoreError, Refused
from blockstore.report import FilesystemReport, Result, VolumeReport
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.arrivals import Arrival
from cc_blockstore.look import Look, refuse
from cc_blockstore.machine import device, filesystem, fstab, making, mount, points
from cc_blockstore.machine.hold import Hold
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.plan import device as plan_device
from cc_blockstore.plan import mount as plan_mount
from cc_blockstore.plan.decision import Do, Keep, Verb
from cc_blockstore.plan.device import Device, Identity
from cc_blockstore.plan.mount import FstabEntry
from cc_blockstore.progress import Mark, Steps
from cc_blockstore.shape import Placed, Shape
from cc_blockstore.wish import VolumeWish

if TYPE_CHECKING:
    from cc_blockstore.plan.points import Below


@dataclass(frozen=True)
class Outcome:
    """How it ended: the report, whether the right device is connected, fstab's lines (None: leave what is there),
    ``rewritten``: what udev knows of the disk itself is of before its table; and where it is mounted."""

    report: VolumeReport
    connected: bool
    fstab: tuple[FstabEntry, ...] | None
    rewritten: bool = False
    mounted: tuple[str, ...] = ()


class BringUp:
    """The flow of one volume, in two parts. Neither raises what is the volume's own fault; it becomes the report's reason.
    ``named``: the serials that were named, each with its volume."""

    def __init__(
        self, machine: Machine, arrival: Arrival, deadline: Deadline, steps: Steps, named: Mapping[str, str] | None = None
    ) -> None:
        self._machine, self._arrival, self._task = machine, arrival, arrival.task
        self._deadline, self._steps = deadline, steps
        self._identity = Identity(arrival.task.serial, named or {})
        self._device: Device | None = None
        self._hold: Hold | None = None
        self._rewritten = False
        self._placed: tuple[Placed, ...] = ()
        self._mounted: list[str] = []

    def run(self) -> Outcome:
        """Bring the volume up as far as is possible and allowed."""
        return self.begin() or self.finish()

    def begin(self) -> Outcome | None:
        """What needs no other volume: connect it, and bring it into its shape. None where the rest is still to come."""
        return self._attempt(self._make_ready)

    def finish(self, absent: Sequence[Below] = ()) -> Outcome:
        """Mount it, and all that follows. ``absent``: its mount points below a volume that is not up."""
        return self._attempt(lambda: self._put_in_place(absent)) or self._outcome(Result.OK, "")

    def _make_ready(self) -> None:
        self._connect()
        self._identify()
        if self._task.wanted.wish is not None and self._hold is not None:
            self._placed = self._shape(self._task.wanted.wish, self._hold)

    def _put_in_place(self, absent: Sequence[Below]) -> None:
        if self._task.wanted.wish is not None:
            self._mount(absent)
            self._grow(self._task.wanted.wish)
        self._settle()

    def _attempt(self, part: Callable[[], None]) -> Outcome | None:
        try:
            part()
        except Refused as error:
            return self._outcome(Result.REFUSED, str(error))
        except (BlockstoreError, OSError) as error:
            return self._outcome(Result.FAILED, str(error))
        except Exception as error:
            # Nothing of one volume may end the run of the others. The text may quote anything, so only its kind is told.
            return self._outcome(Result.FAILED, f"unexpected {type(error).__name__}; please report it as a bug")
        finally:
            if self._hold is not None:
                self._hold.end()
        return None

    def _connect(self) -> None:
        with self._steps.step("login", self._arrival.since) as mark:
            refuse(self._arrival.decision)
            if self._arrival.trouble is not None:
                raise self._arrival.trouble
            mark.changed = not isinstance(self._arrival.decision, Keep)

    def _identify(self) -> None:
        task = self._task
        with self._steps.step("device") as mark:
            found = self._find(mark)
            if task.wanted.wish is not None:
                self._hold = Hold(self._machine, found.node)
            refuse(plan_device.decide(found, self._identity))
            if plan_device.may_have_grown(found, task.volume.size):
                found = self._rescanned(found)
            self._device = found
            # A serial that nobody named is known only now: the disk's first event came too early for its links.
            if device.link(self._machine, task.volume, task.serial or device.place(found.serial, task.path)):
                device.refresh(self._machine, found.node)
                mark.changed = True

    def _find(self, mark: Mark) -> Device:
        """The disk. Behind a session that was there before us the kernel has looked for LUNs once, at the login: one that came
        since is looked for when it is told to."""
        found = self._look()
        if found is None:
            self._task.transport.scan(self._machine, self._task.path)
            found, mark.changed = wait_for(f"the device of {self._task.path}", self._look, self._deadline), True
        return found

    def _look(self) -> Device | None:
        return self._task.transport.device(self._machine, self._task.path)

    def _rescanned(self, before: Device) -> Device:
        """The disk as it is now. The kernel asks for the serial anew with the size, and not before (scsi_scan.c,
        scsi_rescan_device): until then it has the one of its first look, whatever the session leads to since it recovered."""
        device.rescan(self._machine, before.node)
        found = wait_for(f"the device of {self._task.path}", self._look, self._deadline)
        refuse(plan_device.decide(found, self._identity))
        if found.node != before.node:
            raise Refused(f"refusing to use {found.node}: {self._task.path} was {before.node} a moment ago")
        return found

    @property
    def _node(self) -> str:
        return self._device.node if self._device else ""

    def _shape(self, wish: VolumeWish, hold: Hold) -> tuple[Placed, ...]:
        look = Look(self._machine, self._task.volume.id, self._device.serial if self._device else "", self._task.read_only)
        shape = Shape(self._machine, self._task.volume, wish, self._node, look, hold, self._deadline)
        placed = shape.run(self._steps)
        self._rewritten = shape.written and not hold.first
        return placed

    def _mount(self, absent: Sequence[Below]) -> None:
        """The outer ones first: what is mounted later hides what is below it."""
        task = self._task
        former = fstab.points(self._machine, task.volume.id)
        with self._steps.step("mount") as mark:
            for each in sorted(self._placed, key=lambda each: each.wish.mount.count("/")):
                twin = mount.twin(self._machine, each.wish, each.node)
                there = mounts(self._machine), swaps(self._machine)
                leads = points.leads(each.wish)
                decision = plan_mount.decide(each.wish, each.node, *there, former=former, twin=twin, absent=absent, leads=leads)
                refuse(decision)
                if isinstance(decision, Do):
                    mount.do(
                        self._machine, each.wish, each.node, task.volume.id, read_only=task.read_only, deadline=self._deadline
                    )
                    mark.changed = True
                if each.wish.mount and not task.read_only:
                    mark.changed |= mount.own(each.wish)
                self._mounted.append(each.wish.mount)

    def _grow(self, wish: VolumeWish) -> None:
        """File systems follow their devices online; they were looked at before they were mounted, and are again."""
        machine, volume_id = self._machine, self._task.volume.id
        if all(each.fresh for each in self._placed) and not making.growing(machine, volume_id):
            return
        from cc_blockstore.machine import growth  # late: at a first boot there is nothing that could have grown
        from cc_blockstore.plan import growth as plan_growth

        for each in self._placed:
            seen = growth.see(machine, each.wish, each.node, read_only=self._task.read_only)
            decision = plan_growth.decide(each.wish, seen, growth.place(machine, each.wish, each.node), grow=wish.grow)
            if isinstance(decision, Do) and decision.verb is Verb.GROW and not each.fresh:
                with self._steps.step("filesystem") as mark:
                    growth.grow(machine, volume_id, each.wish, each.node)
                    mark.changed = True
            elif making.growing(machine, volume_id):
                growth.confirm(machine, each.wish, each.node)
        if making.growing(machine, volume_id):
            making.end_growth(machine, volume_id)

    def _settle(self) -> None:
        """What is in use needs nothing more of udev: systemd takes a mounted device for there before it is told of it (the device
        unit is "tentative"), and keeps the mount. All else is found by its links alone, and they are waited for."""
        if self._placed and all(each.wish.mount or each.wish.type == "swap" for each in self._placed):
            device.relink(self._machine, self._task.volume, self._node)
            return
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
        lines = self._fstab() if result is Result.OK else None
        return Outcome(report, found is not None, lines, self._rewritten, tuple(self._mounted))

    def _fstab(self) -> tuple[FstabEntry, ...]:
        patience = max(30, round(self._deadline.at - self._steps.begun))
        return tuple(
            plan_mount.fstab_entry(
                each.wish, device.link_of(self._task.volume, each.place.number), self._task.volume.id,
                read_only=self._task.read_only, patience=patience, besides=mount.besides(self._machine, each.wish),
            )
            for each in self._placed
            if each.wish.mount or each.wish.type == "swap"
        )  # fmt: skip


def _reported(placed: Placed) -> FilesystemReport:
    return FilesystemReport(placed.node, placed.wish.type, placed.uuid, placed.label, placed.wish.named or placed.wish.mount)
