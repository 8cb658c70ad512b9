"""`blockstore plan`: the decisions of a run without the run. Reads the machine, changes nothing, not even at the service."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from blockstore.values import dataclass
from blockstore.waiting import Deadline
from cc_blockstore import listing
from cc_blockstore.bootstrap import client_of
from cc_blockstore.document.parse import Document
from cc_blockstore.look import Look, Place
from cc_blockstore.machine import fstab, growth, ledger, mount, points
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts, swaps
from cc_blockstore.plan import desired as plan
from cc_blockstore.plan import device as plan_device
from cc_blockstore.plan import filesystem as plan_filesystem
from cc_blockstore.plan import growth as plan_growth
from cc_blockstore.plan import mount as plan_mount
from cc_blockstore.plan import partition as plan_partition
from cc_blockstore.plan import points as plan_points
from cc_blockstore.plan import session as plan_session
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Decision, Do, Keep, Refuse
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.plan.device import Device, Identity
from cc_blockstore.plan.points import Below
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.shape import overwrite_of
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish


@dataclass(frozen=True)
class PlannedStep:
    """One decision: ``verb`` is keep, wait, refuse, or what would be done (`Verb`); ``why`` says it in words."""

    volume: str
    step: str
    verb: str
    why: str


def planned(machine: Machine, document: Document) -> tuple[tuple[PlannedStep, ...], tuple[str, ...]]:
    """All decisions, and the notes and faults of the service."""
    deadline = Deadline.after(document.deadline, machine.clock)
    known = ledger.read_all(machine)
    listed = listing.see(document, known, client_of(document, machine), deadline)
    before = {volume_id: each.attachment for volume_id, each in known.items()}
    desired = plan.decide(document, listed.attachments, before, complete=listed.complete, leaving=ledger.leaving(known))
    desired = points.resolved(machine, desired)
    steps = [
        PlannedStep(known[each].attachment.volume.name, "detach", "do", "unmount, flush, log out: it is no longer attached")
        for each in desired.take_down
        if each in known
    ]
    steps += [PlannedStep(each.name, "document", "refuse", each.reason) for each in desired.turned]
    told: dict[str, list[PlannedStep]] = {}
    for wanted in plan_points.in_turn(desired.bring_up):
        absent = [each for each in wanted.below if not _comes(told.get(each.volume_id))]
        told[wanted.attachment.volume.id] = _volume(machine, wanted, known.get(wanted.attachment.volume.id), absent)
    for wanted in desired.bring_up:
        steps += told[wanted.attachment.volume.id]
    return tuple(steps), (*listed.faults, *listed.notes)


def _comes(steps: list[PlannedStep] | None) -> bool:
    """Whether this volume will be there for those below it."""
    return steps is not None and all(each.verb != "refuse" for each in steps)


def _volume(machine: Machine, wanted: Wanted, known: Known | None, absent: Sequence[Below]) -> list[PlannedStep]:
    name = wanted.attachment.volume.name
    device = _connected(machine, wanted, known)
    if device is None:
        wished = f"; then {plan_partition.describe(wanted.wish)}, where that destroys nothing" if wanted.wish else ""
        return [PlannedStep(name, "login", "do", f"ask for connection_info and log in{wished}")]
    serial = wanted.attachment.volume.serial
    return [_told(name, step, decision) for step, decision in _decisions(machine, wanted, device, serial, absent)]


def _connected(machine: Machine, wanted: Wanted, known: Known | None) -> Device | None:
    connection = wanted.attachment.connection
    if connection is not None:
        return TRANSPORTS[connection.driver_volume_type].device(machine, connection.paths[0])
    return TRANSPORTS[known.transport].device(machine, known.path) if known else None


def _decisions(
    machine: Machine, wanted: Wanted, device: Device, serial: str, absent: Sequence[Below]
) -> list[tuple[str, Decision]]:
    found: list[tuple[str, Decision]] = [
        ("login", plan_session.decide(plan_session.Connected.YES, device.node, credentials=True)),
        ("device", plan_device.decide(device, Identity(serial))),
    ]
    if wanted.wish is None or isinstance(found[-1][1], Refuse):
        return found
    return [*found, *_contents(machine, wanted, wanted.wish, device, absent)]


def _contents(
    machine: Machine, wanted: Wanted, wish: VolumeWish, device: Device, absent: Sequence[Below]
) -> list[tuple[str, Decision]]:
    volume = wanted.attachment.volume
    look = Look(machine, volume.id, device.serial, wanted.attachment.mode == "ro")
    overwrite = overwrite_of(machine, wish, volume.id)
    decide = partial(plan_partition.decide, wish, blank=volume.blank, overwrite=overwrite)
    table, whole = look.planned(Place(0, device.node), decide)
    found: list[tuple[str, Decision]] = [("partition", table)]
    if not isinstance(table, Keep):
        return found
    places = [Place(each.number, each.node, each.making) for each in whole.partitions]
    for filesystem, place in zip(wish.filesystems, [Place(0, device.node)] if wish.table is Table.NONE else places):
        decide = partial(plan_filesystem.decide, filesystem, blank=volume.blank, overwrite=overwrite)
        decision, seen = look.planned(place, decide)
        found.append(("filesystem", decision))
        if not isinstance(decision, Refuse):
            found += _placed(machine, volume.id, filesystem, place.node, seen, absent, grow=wish.grow)
    return found


def _placed(
    machine: Machine, volume_id: str, wish: FilesystemWish, node: str, seen: Content, absent: Sequence[Below], *, grow: bool
) -> list[tuple[str, Decision]]:
    former, twin, leads = fstab.points(machine, volume_id), mount.twin(machine, wish, node), points.leads(wish)
    there = mounts(machine), swaps(machine)
    decision = plan_mount.decide(wish, node, *there, former=former, twin=twin, absent=absent, leads=leads)
    grown = growth.see(machine, wish, node, read_only=seen.read_only)
    follow = plan_growth.decide(wish, grown, growth.place(machine, wish, node), grow=grow)
    return [("mount", decision), *([("filesystem", follow)] if isinstance(follow, Do) else [])]


def _told(volume: str, step: str, decision: Decision) -> PlannedStep:
    if isinstance(decision, Keep):
        return PlannedStep(volume, step, "keep", decision.why)
    if isinstance(decision, Do):
        return PlannedStep(volume, step, decision.verb.value, decision.what)
    if isinstance(decision, Refuse):
        return PlannedStep(volume, step, "refuse", f"{decision.why}; {decision.hint}" if decision.hint else decision.why)
    return PlannedStep(volume, step, "wait", decision.what)
