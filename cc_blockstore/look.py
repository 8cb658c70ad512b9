"""What is seen of one volume's device and of its partitions, together with what we know of our own work on it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import field

from blockstore.errors import Refused
from blockstore.values import dataclass, replace
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.machine import content, device, making
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Decision, Keep, Refuse
from cc_blockstore.plan.filesystem import identity


@dataclass(frozen=True)
class Place:
    """Where a file system is, or is to be: a partition and its number, or the whole device, whose number is 0.

    ``making``: the partition's name says that its file system is in the making.
    """

    number: int
    node: str
    making: bool = False


@dataclass
class Look:
    """Looks at one volume; each place closely but once, since under the lock nothing changes it but we."""

    machine: Machine
    volume_id: str
    serial: str
    read_only: bool
    _probed: dict[str, Content] = field(default_factory=dict)

    def decided(self, place: Place, decide: Callable[[Content], Decision]) -> tuple[Decision, Content]:
        """Decide at a glance where all is as wished; everything else only after a close look. Raises `Refused`."""
        decision, seen = self.planned(place, decide)
        refuse(decision)
        return decision, seen

    def planned(self, place: Place, decide: Callable[[Content], Decision]) -> tuple[Decision, Content]:
        """As `decided`, with a refusal as a decision like any other."""
        # What udev has not seen yet shows nothing at a glance.
        seen = self.glance(place) if device.seen_by_udev(self.machine, place.node) else self.probe(place)
        decision = decide(seen)
        if not isinstance(decision, Keep) or seen.kind is None:
            seen = self.probe(place)
            decision = decide(seen)
        return decision, seen

    def glance(self, place: Place) -> Content:
        """Without a process."""
        return self._known(content.glance(self.machine, place.node, read_only=self.read_only), place)

    def probe(self, place: Place) -> Content:
        """Closely."""
        if place.node not in self._probed:
            volume_id = "" if place.number else self.volume_id
            seen = content.probe(self.machine, place.node, read_only=self.read_only, volume_id=volume_id)
            self._probed[place.node] = self._known(seen, place)
        return self._probed[place.node]

    def forget(self) -> None:
        """The device was written to: what was seen of it is old."""
        self._probed.clear()

    def _known(self, seen: Content, place: Place) -> Content:
        under_way = place.making if place.number else making.under_way(self.machine, self.volume_id, self.serial)
        seen = replace(seen, making=under_way)
        if seen.gpt is not None and seen.gpt.table is not None:
            first, again = (plan_partition.disk_guid(self.volume_id, again=again) for again in (False, True))
            return replace(seen, own=seen.gpt.table.guid in (first, again), remade=seen.gpt.table.guid == again)
        return self._filesystem(seen, place) if seen.kind in FILESYSTEMS else seen

    def _filesystem(self, seen: Content, place: Place) -> Content:
        kind, read = FILESYSTEMS[str(seen.kind)], content.reader(self.machine, place.node)
        first, again = (kind.identity(identity(self.volume_id, place.number, again=again)).lower() for again in (False, True))
        own = seen.uuid.lower() in (first, again)
        try:
            unused = seen.making and own and kind.unused(read)
            extent = kind.extent(read, None)
        except (OSError, struct.error, IndexError, StopIteration):
            return replace(seen, own=own, remade=seen.uuid.lower() == again)
        return replace(seen, own=own, remade=seen.uuid.lower() == again, unused=unused, extent=extent)


def refuse(decision: Decision) -> None:
    """Raises `Refused` where that was decided."""
    if isinstance(decision, Refuse):
        raise Refused(decision.why, hint=decision.hint)
