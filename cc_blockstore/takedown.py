"""Taking a volume down: unmount, flush, log out, forget. Refused where somebody still uses it.

Of several volumes behind one session (LUNs of one target at one portal) each takes its own disk away, and the last one logs out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from blockstore.errors import BlockstoreError, Refused
from blockstore.report import Result, VolumeReport
from blockstore.waiting import Deadline
from cc_blockstore.machine import content, filesystem, making, mount
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.mounts import mounts
from cc_blockstore.machine.usage import claimed, held_by, used_by
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import TRANSPORTS

HINT = "end that use, then run it again"


def take_down_all(
    machine: Machine, known: Mapping[str, Known], going: Iterable[str], deadline: Deadline, steps: Callable[[str], Steps]
) -> list[VolumeReport]:
    """These of the known volumes, one after the other; the last to be mounted first, since it may be mounted on another one. One
    that is refused stays, and so does the session that it needs."""
    left, reports = dict(known), list[VolumeReport]()
    order = {each.device: number for number, each in enumerate(mounts(machine))}
    for volume_id in sorted((each for each in going if each in known), key=lambda each: -_last(machine, known[each], order)):
        one = left.pop(volume_id)
        reports.append(take_down(machine, one, left.values(), deadline, steps(one.attachment.volume.name)))
        if reports[-1].result is not Result.OK:
            left[volume_id] = one
    return reports


def _last(machine: Machine, known: Known, order: Mapping[str, int]) -> int:
    """The place of this volume's last mount in ``order``, -1 for none."""
    found = TRANSPORTS[known.transport].device(machine, known.path)
    return max((order.get(each, -1) for each in _nodes(machine, found.node)), default=-1) if found else -1


def take_down(machine: Machine, known: Known, others: Iterable[Known], deadline: Deadline, steps: Steps) -> VolumeReport:
    """Take one volume down; ``others`` are those of ours that are not. What remains afterwards (links, fstab, the ledger) is the
    caller's, in one pass for all volumes.

    The report's reason is "" where it went well. A borrowed session is left open: it was not made by us.
    """
    volume, others = known.attachment.volume, tuple(others)
    try:
        _refuse(obstacle(machine, known, others))
        found = TRANSPORTS[known.transport].device(machine, known.path)
        if found is not None:
            with steps.step("mount") as mark:
                mark.changed = _release(machine, found.node)
        if not known.borrowed:
            with steps.step("login") as mark:
                _disconnect(machine, known, others, deadline)
                mark.changed = found is not None
        # From now on somebody else may write to it: what was begun here is no longer ours to finish.
        making.end(machine, volume.id)
    except Refused as error:
        return VolumeReport(volume.id, volume.name, Result.REFUSED, steps.changed, str(error), steps=tuple(steps.done))
    except (BlockstoreError, OSError) as error:
        return VolumeReport(volume.id, volume.name, Result.FAILED, steps.changed, str(error), steps=tuple(steps.done))
    return VolumeReport(volume.id, volume.name, Result.OK, True, steps=tuple(steps.done))


def obstacle(machine: Machine, known: Known, others: Iterable[Known]) -> str:
    """Who uses what would go, other than by a mount or as swap of its own, which are released; "" for nobody. Asked before
    anything is released: of a volume that stays nothing is unmounted."""
    transport, others = TRANSPORTS[known.transport], tuple(others)
    found = transport.device(machine, known.path)
    held = held_by(machine, found.node) if found else ""
    if found and held:
        return f"refusing to detach {found.node}: in use by {held}"
    if known.borrowed or stays(machine, known, others):
        return ""
    # No volume of ours is there any more; whatever else is used behind the session would lose its disk.
    for node in transport.behind(machine, known.path):
        user = used_by(machine, node) if found is None or node != found.node else ""
        if user:
            return f"refusing to log out of {known.path}: behind the same session {node} is in use by {user}"
    return ""


def stays(machine: Machine, known: Known, others: Iterable[Known]) -> bool:
    """Whether another volume needs this one's session and node record. One that is leaving and whose disk is gone does not."""
    transport = TRANSPORTS[known.transport]
    return any(
        other.transport == known.transport
        and transport.shares(known.path, other.path)
        and (not other.leaving or transport.device(machine, other.path) is not None)
        for other in others
    )


def _release(machine: Machine, node: str) -> bool:
    """Unmount, swap off, flush; True where it was used. Raises `Refused` where it still is: mounted by another mount namespace,
    or a program has it for itself."""
    released = mount.release(machine, _nodes(machine, node))
    if user := used_by(machine, node):
        _refuse(f"refusing to detach {node}: in use by {user}")
    if claimed(machine, node):
        _refuse(f"refusing to detach {node}: a program has it open for itself, or it is mounted in another mount namespace")
    filesystem.flush(machine, node)
    return released


def _nodes(machine: Machine, node: str) -> list[str]:
    return [*(part.node for part in content.partitions(machine, node)), node]


def _disconnect(machine: Machine, known: Known, others: Iterable[Known], deadline: Deadline) -> None:
    transport = TRANSPORTS[known.transport]
    if stays(machine, known, others):
        transport.drop(machine, known.path, deadline)
        return
    transport.logout(machine, known.path, deadline)
    transport.forget(machine, known.path)


def _refuse(why: str) -> None:
    if why:
        raise Refused(why, hint=HINT)
