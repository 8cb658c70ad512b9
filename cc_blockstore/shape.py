"""The partition table and the file systems of one volume: all is decided before anything is written, and what is begun is
marked first, on the disk itself where it has room, so that a power cut at any moment leaves what the next run finishes."""

from __future__ import annotations

from functools import partial

from blockstore.attachment import Volume
from blockstore.errors import BlockstoreError, Refused
from blockstore.values import dataclass, replace
from blockstore.waiting import Deadline
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.look import Look, Place, refuse
from cc_blockstore.machine import content, device, filesystem, gpt, making, partition
from cc_blockstore.machine.hold import Hold
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.machine.untouched import still_untouched, untouched
from cc_blockstore.plan import filesystem as plan_filesystem
from cc_blockstore.plan import gpt as plan_gpt
from cc_blockstore.plan import mount as plan_mount
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan.content import Content, Overwrite, Partition
from cc_blockstore.plan.decision import Decision, Do, Keep, Verb
from cc_blockstore.plan.gpt import Gpt
from cc_blockstore.progress import Steps
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish


@dataclass(frozen=True)
class Placed:
    """A file system in its place on the device."""

    wish: FilesystemWish
    place: Place
    uuid: str
    label: str
    fresh: bool

    @property
    def node(self) -> str:
        """Its device."""
        return self.place.node


@dataclass(frozen=True)
class Decided:
    """What was decided of one place, and what was seen there."""

    wish: FilesystemWish
    place: Place
    decision: Decision
    seen: Content

    @property
    def verb(self) -> Verb | None:
        """What is to be done; None for nothing."""
        return self.decision.verb if isinstance(self.decision, Do) else None


def overwrite_of(machine: Machine, wish: VolumeWish, volume_id: str) -> Overwrite:
    """What the document's word counts for on this instance."""
    if not wish.overwrite:
        return Overwrite.NO
    return Overwrite.SPENT if making.overwritten(machine, volume_id) else Overwrite.YES


class Shape:
    """Brings one device into the wished shape."""

    def __init__(
        self, machine: Machine, volume: Volume, wish: VolumeWish, node: str, look: Look, hold: Hold, deadline: Deadline
    ) -> None:
        self._machine, self._volume, self._wish, self._node = machine, volume, wish, node
        self._look, self._hold, self._deadline = look, hold, deadline
        self._overwrite = overwrite_of(machine, wish, volume.id)
        self._table: Gpt | None = None
        # `_hidden`: the table was written, and the kernel is shown it when all that it names is made.
        self._empty = self._destroyed = self._written = self._hidden = False

    def run(self, steps: Steps) -> tuple[Placed, ...]:
        """Partition table and file systems as wished, with udev kept away meanwhile. Raises `Refused`, `BlockstoreError`."""
        with self._hold:
            with steps.step("partition") as mark:
                if not self._undisturbed():
                    self._hold.wait(self._deadline)
                mark.changed = self._partition()
            with steps.step("filesystem") as mark:
                decided = [self._decided(wish, place) for wish, place in zip(self._wish.filesystems, self._places())]
                mark.changed = self._make(decided)
            if self._destroyed:
                making.record_overwriting(self._machine, self._volume.id)
            if self._written:
                device.refresh_partitions(self._machine, self._node)  # udev was kept away, and is to look at them now
        self._show()
        return tuple(self._placed(each) for each in decided)

    @property
    def written(self) -> bool:
        """Whether the table was written."""
        return self._written

    def _undisturbed(self) -> bool:
        """Whether udev may go on looking at the disk meanwhile: there is nothing that it could tell us of, and nothing that we
        are going to write is shown before all of it is there. On a busy machine its first look takes seconds."""
        if not (self._hold.shared and self._wish.table is not Table.NONE and self._may_be_hidden()):
            return False
        return untouched(self._machine, self._node, content.size_of(self._machine, self._node), whole=True)

    def _partition(self) -> bool:
        parts = [each.node for each in content.partitions(self._machine, self._node)]
        taken = plan_mount.taken(self._wish, self._node, parts, mounts(self._machine))
        if taken:
            refuse(taken)
        decide = partial(plan_partition.decide, self._wish, blank=self._volume.blank, overwrite=self._overwrite)
        decision, seen = self._look.decided(Place(0, self._node), decide)
        self._table = seen.gpt.table if seen.gpt else None
        if isinstance(decision, Do):
            self._write_table(decision, seen)
            self._look.forget()
            return True
        if self._wish.table is Table.NONE or self._table is None:
            return False
        return partition.show(self._machine, self._node, self._table, self._deadline)[1]

    def _write_table(self, decision: Do, seen: Content) -> None:
        if not (decision.verb is Verb.CREATE and self._may_be_hidden()):
            self._hold.wait(self._deadline)
        if decision.verb is Verb.OVERWRITE:
            self._destroyed = True
            partition.clear(self._machine, self._node)
            if self._wish.table is Table.NONE:
                self._table = None
                return
        if decision.verb is Verb.GROW and seen.gpt is not None and self._table is not None:
            self._table = plan_partition.grown(self._table, self._wish, seen.size)
            mbr = gpt.see(self._machine, self._node, seen.size).front[: self._table.sector]
            writes = plan_gpt.enlarged(seen.gpt, self._table, mbr)
        elif decision.verb is Verb.FINISH and seen.gpt is not None and self._table is not None:
            writes = plan_gpt.mended(seen.gpt)
        else:
            partition.unclaimed(self._machine, self._node)
            if decision.verb is Verb.CREATE:
                self._last_look(self._node, seen)
            self._empty = decision.verb is not Verb.OVERWRITE
            # What was begun under `overwrite` may be what an overwriting left; then it counts as one.
            self._destroyed |= decision.verb is Verb.FINISH and self._overwrite is Overwrite.YES
            self._table = self._new_table(seen.size, again=self._destroyed)
            writes = plan_gpt.rewritten(self._table)
        self._written = True
        gpt.write(self._machine, self._node, writes)
        self._hidden = self._empty and self._may_be_hidden()
        if not self._hidden:
            partition.show(self._machine, self._node, self._table, self._deadline)

    def _may_be_hidden(self) -> bool:
        """Whether the file systems can be made before the kernel shows their partitions. udev then sees each once, complete, and
        without waiting: an event that comes while we hold the disk it puts off, by 200 ms each time."""
        kinds = [FILESYSTEMS.get(each.type) for each in self._wish.filesystems]
        can = all(kind is None or kind.make_at is not None for kind in kinds)
        return can and not content.partitions(self._machine, self._node)

    def _show(self) -> None:
        """Show what was hidden, as soon as nobody is kept away any more: udev finds it free when it hears of it."""
        if not self._hidden or self._table is None:
            return
        try:
            partition.show(self._machine, self._node, self._table, self._deadline)
        except BlockstoreError:  # somebody had the kernel read the table at the same moment
            partition.show(self._machine, self._node, self._table, self._deadline)

    def _new_table(self, size: int, *, again: bool) -> Gpt:
        sector = gpt.sector_size(self._machine, self._node)
        return plan_partition.table(self._wish, self._volume.id, size, sector, again=again)

    def _places(self) -> list[Place]:
        if self._wish.table is Table.NONE:
            return [Place(0, self._node)]
        if self._table is None:  # a table in a form that is not ours to write: as the kernel has it
            return [Place(each.number, each.node) for each in content.partitions(self._machine, self._node)]
        return [Place(each.number, each.node, each.making) for each in gpt.partitions(self._node, self._table)]

    def _decided(self, wish: FilesystemWish, place: Place) -> Decided:
        decide = partial(plan_filesystem.decide, wish, blank=self._volume.blank, overwrite=self._overwrite)
        if self._empty:  # the table was made a moment ago on a device that was empty throughout
            seen = self._hidden_part(place) if self._hidden else content.glance(self._machine, place.node)
            seen = replace(seen, kind="", table="", data_at=-1, read_only=self._look.read_only, making=place.making)
            decision = decide(seen)
            refuse(decision)
        else:
            decision, seen = self._look.decided(place, decide)
        if isinstance(decision, Keep) and wish.type in FILESYSTEMS and FILESYSTEMS[wish.type].remake_to_grow:
            from cc_blockstore.plan import growth as plan_growth

            where = plan_growth.Place.MOUNTED if place.node in swaps(self._machine) else plan_growth.Place.NOWHERE
            decision = plan_growth.decide(wish, seen, where, grow=self._wish.grow)
        return Decided(wish, place, decision, seen)

    def _hidden_part(self, place: Place) -> Content:
        return Content(place.node, self._part(place).size)

    def _part(self, place: Place) -> Partition:
        """The partition of this place, as our table has it."""
        parts = gpt.partitions(self._node, self._table) if self._table else ()
        return next(each for each in parts if each.number == place.number)

    def _make(self, decided: list[Decided]) -> bool:
        todo = [each for each in decided if each.verb is not None]
        for each in todo:
            if each.verb is Verb.CREATE and not self._empty:
                self._last_look(each.place.node, each.seen)
        if todo:
            if not self._hidden:
                self._hold.wait(self._deadline)
            self._begin(todo)
        for each in todo:
            if each.seen.kind:
                partition.wipe(self._machine, each.place.node)
            if self._hidden:
                filesystem.make_hidden(self._machine, self._node, self._part(each.place), each.wish, self._identity(each))
            else:
                filesystem.make(self._machine, each.place.node, each.wish, self._identity(each))
        self._destroyed |= any(each.verb is Verb.OVERWRITE for each in todo)
        return self._end() or bool(todo)

    def _last_look(self, node: str, seen: Content) -> None:
        """Before something is made on what is empty: raise `Refused` where there is a signature after all."""
        if not (seen.untouched and still_untouched(self._machine, node, seen.size)):
            partition.bare(self._machine, node)

    def _begin(self, todo: list[Decided]) -> None:
        """Mark what is to be made, durably and before the first write to it."""
        if self._wish.table is Table.NONE:
            making.begin(self._machine, self._volume.id, self._look.serial)
            return
        if self._table is None:
            raise Refused(f"refusing to write to {self._node}: its partition table has an unusual form, without room for a mark")
        marked = plan_gpt.marked(self._table, [each.place.number for each in todo])
        if marked != self._table:
            gpt.write(self._machine, self._node, plan_gpt.renamed(marked))
            self._table, self._written = marked, True

    def _end(self) -> bool:
        """Everything is on the disk: no mark is left. True where there was one."""
        if self._wish.table is Table.NONE:
            there = making.under_way(self._machine, self._volume.id, self._look.serial)
            making.end(self._machine, self._volume.id)
            return there
        if self._table is None or self._table == plan_gpt.made(self._table) or self._look.read_only:
            return False
        self._table = plan_gpt.made(self._table)
        gpt.write(self._machine, self._node, plan_gpt.renamed(self._table))
        self._written = True
        return True

    def _identity(self, each: Decided) -> str:
        """Chosen here, so that nobody has to ask for it afterwards, and the next run knows it again."""
        if each.verb is Verb.GROW:
            return each.seen.uuid
        remade = self._table is not None and self._table.guid == plan_partition.disk_guid(self._volume.id, again=True)
        again = each.verb is Verb.OVERWRITE or remade
        source = plan_filesystem.identity(self._volume.id, each.place.number, again=again)
        return FILESYSTEMS[each.wish.type].identity(source)

    def _placed(self, each: Decided) -> Placed:
        if each.verb is None:
            return Placed(each.wish, each.place, each.seen.uuid, each.seen.label, False)
        label = each.seen.label if each.verb is Verb.GROW else each.wish.label
        return Placed(each.wish, each.place, self._identity(each), label, True)
