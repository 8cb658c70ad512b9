"""Taking a volume down: unmount, flush, log out, forget. Refused where somebody still uses it."""

from __future__ import annotations

from blockstore.errors import BlockstoreError, Refused
from blockstore.report import Result, VolumeReport
from blockstore.waiting import Deadline
from cc_blockstore.machine import content, filesystem, making, mount
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.progress import Steps
from cc_blockstore.protocols import TRANSPORTS


def take_down(machine: Machine, known: Known, deadline: Deadline, steps: Steps) -> VolumeReport:
    """Take one volume down. What remains afterwards (links, fstab, the ledger) is the caller's, in one pass for all volumes.

    The report's reason is "" where it went well. A borrowed session is left open: it was not made by us.
    """
    volume, transport = known.attachment.volume, TRANSPORTS[known.transport]
    try:
        found = transport.device(machine, known.path)
        if found is not None:
            with steps.step("mount") as mark:
                nodes = [*(part.node for part in content.partitions(machine, found.node)), found.node]
                released = [mount.release(machine, node) for node in nodes]
                filesystem.flush(machine, found.node)
                mark.changed = any(released)
        if not known.borrowed:
            with steps.step("login") as mark:
                transport.logout(machine, known.path, deadline)
                mark.changed = found is not None
            transport.forget(machine, known.path)
        # From now on somebody else may write to it: what was begun here is no longer ours to finish.
        making.end(machine, volume.id)
    except Refused as error:
        return VolumeReport(volume.id, volume.name, Result.REFUSED, steps.changed, str(error), steps=tuple(steps.done))
    except (BlockstoreError, OSError) as error:
        return VolumeReport(volume.id, volume.name, Result.FAILED, steps.changed, str(error), steps=tuple(steps.done))
    return VolumeReport(volume.id, volume.name, Result.OK, True, steps=tuple(steps.done))
