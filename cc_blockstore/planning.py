"""`blockstore plan`: the decisions of a run without the run. Reads the machine, changes nothing, not even at the service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from blockstore.errors import BlockstoreError
from blockstore.iscsi import IscsiPath
from blockstore.values import dataclass
from blockstore.waiting import Deadline
from cc_blockstore import listing
from cc_blockstore.claims import Claims
from cc_blockstore.document.parse import Document
from cc_blockstore.look import Look, Place
from cc_blockstore.machine import fstab, growth, ledger, mount, points
from cc_blockstore.machine.ledger import Known, serial_of
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
from cc_blockstore.plan.desired import Desired, Wanted
from cc_blockstore.plan.device import Device, Identity
from cc_blockstore.plan.points import Below
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.reach import client_of
from cc_blockstore.shape import overwrite_of
from cc_blockstore.takedown import obstacle, stays
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish


@dataclass(frozen=True)
class PlannedStep:
    """One decision: ``verb`` is keep, wait, refuse, or what would be done (`Verb`); ``why`` says it in words."""

    volume: str
    step: str
    verb: str
    why: str


@dataclass(frozen=True)
class Going:
    """What is to be taken down, by volume id: what can be, and how (``free``), what somebody uses, and who (``busy``); and the
    paths whose sessions will be closed by then."""

    free: Mapping[str, str]
    busy: Mapping[str, str]
    closed: tuple[IscsiPath, ...]


def planned(machine: Machine, document: Document) -> tuple[tuple[PlannedStep, ...], tuple[str, ...], tuple[str, ...]]:
    """All decisions; the faults of the service, and its notes."""
    deadline = Deadline.after(document.deadline, machine.clock)
    known = ledger.read_all(machine)
    listed = listing.see(document, known, client_of(document, machine), deadline)
    before = {volume_id: each.attachment for volume_id, each in known.items()}
    leaving, moved = ledger.leaving(known), ledger.moved(known, listed.attachments)
    desired = plan.decide(
        document, listed.attachments, before, complete=listed.complete, leaving=leaving, moved=moved, lacks=listed.lacks
    )
    desired = points.resolved(machine, desired)
    going = _going(machine, known, desired.take_down)
    causes = {each: moved.get(each, "it is no longer attached") for each in known}
    steps = [_detach(known[each], "do", f"{how}: {causes[each]}") for each, how in going.free.items()]
    steps += [_detach(known[each], "refuse", f"{causes[each]}: {who}") for each, who in going.busy.items()]
    steps += [PlannedStep(each.name, "document", "refuse", each.reason) for each in desired.turned]
    steps += _coming(machine, desired, known, listed, going)
    return tuple(steps), listed.faults, listed.notes


def _coming(
    machine: Machine, desired: Desired, known: Mapping[str, Known], listed: listing.Listing, going: Going
) -> Iterator[PlannedStep]:
    """The steps of those that are to come, in the list's order; looked at in the order in which they are mounted."""
    left = {volume_id: each for volume_id, each in known.items() if volume_id not in going.free}
    claims = Claims(left, listed.attachments)
    told: dict[str, list[PlannedStep]] = {}
    for wanted in plan_points.in_turn(each for each in desired.bring_up if each.attachment.volume.id not in going.busy):
        volume_id = wanted.attachment.volume.id
        absent = [each for each in wanted.below if not _comes(told.get(each.volume_id))]
        told[volume_id] = _volume(machine, wanted, left.get(volume_id), claims, going.closed, absent)
    for wanted in desired.bring_up:
        yield from told.get(wanted.attachment.volume.id, ())


def _comes(steps: list[PlannedStep] | None) -> bool:
    """Whether this volume will be there for those below it."""
    return steps is not None and all(each.verb != "refuse" for each in steps)


def _going(machine: Machine, known: Mapping[str, Known], ids: Iterable[str]) -> Going:
    left, free, busy, closed = dict(known), dict[str, str](), dict[str, str](), list[IscsiPath]()
    for volume_id in [each for each in ids if each in known]:
        one = left.pop(volume_id)
        if why := obstacle(machine, one, left.values()):
            left[volume_id], busy[volume_id] = one, why
        elif one.borrowed:
            free[volume_id] = "unmount, flush; its session is not ours and stays"
        elif stays(machine, one, left.values()):
            free[volume_id] = "unmount, flush, take its disk away, its session stays for another volume"
        else:
            free[volume_id] = "unmount, flush, log out"
            closed.append(one.path)
    return Going(free, busy, tuple(closed))


def _detach(known: Known, verb: str, why: str) -> PlannedStep:
    return PlannedStep(known.attachment.volume.name, "detach", verb, why)


def _volume(
    machine: Machine, wanted: Wanted, known: Known | None, claims: Claims, closed: Iterable[IscsiPath], absent: Sequence[Below]
) -> list[PlannedStep]:
    name, serial = wanted.attachment.volume.name, serial_of(wanted.attachment, known)
    try:
        claims.serial(serial, wanted.attachment.volume.id)
    except BlockstoreError as error:
        return [PlannedStep(name, "login", "refuse", str(error))]
    device = _connected(machine, wanted, known, closed)
    if device is None:
        wished = f"; then {plan_partition.describe(wanted.wish)}, where that destroys nothing" if wanted.wish else ""
        return [PlannedStep(name, "login", "do", f"ask for connection_info and log in{wished}")]
    identity = Identity(serial, claims.serials)
    return [_told(name, step, decision) for step, decision in _decisions(machine, wanted, device, identity, absent)]


def _connected(machine: Machine, wanted: Wanted, known: Known | None, closed: Iterable[IscsiPath]) -> Device | None:
    """The disk that the run would find connected: by the path that it knows unless that is to go, else by the named one."""
    connection = wanted.attachment.connection
    if known is not None:
        transport, path = TRANSPORTS[known.transport], known.path
    elif connection is not None:
        transport, path = TRANSPORTS[connection.driver_volume_type], connection.paths[0]
    else:
        return None
    return None if any(transport.shares(path, each) for each in closed) else transport.device(machine, path)


def _decisions(
    machine: Machine, wanted: Wanted, device: Device, identity: Identity, absent: Sequence[Below]
) -> list[tuple[str, Decision]]:
    found: list[tuple[str, Decision]] = [
        ("login", plan_session.decide(plan_session.Connected.YES, device.node, credentials=True)),
        ("device", plan_device.decide(device, identity)),
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
