"""`blockstore detach`: let go of one volume here and now, and tell the service, so that it can revoke the export."""

from __future__ import annotations

from collections.abc import Mapping

from blockstore.errors import BlockstoreError, ServiceError
from blockstore.report import Result, VolumeReport
from blockstore.values import replace
from blockstore.waiting import Deadline
from cc_blockstore.document.parse import Document
from cc_blockstore.machine import device, fstab, ledger, lock
from cc_blockstore.machine.ledger import Known
from cc_blockstore.machine.machine import Machine
from cc_blockstore.progress import Steps
from cc_blockstore.reach import client_of
from cc_blockstore.takedown import take_down


def detach(machine: Machine, document: Document, name: str) -> tuple[VolumeReport, str]:
    """Take the volume of this name or id down: unmount, flush, log out, links, record, fstab, then the service. Back come the
    report and a note ("" for none).

    What is begun is written down first: after a crash in between the next run completes it. A busy volume stays attached.
    Raises BlockstoreError where no attached volume has this name.
    """
    deadline = Deadline.after(document.deadline, machine.clock)
    with lock.exclusive(machine, deadline):
        every = ledger.read_all(machine)
        known = _named(every, name)
        volume = known.attachment.volume
        others = [each for volume_id, each in every.items() if volume_id != volume.id]
        ledger.write(machine, replace(known, leaving=True))
        report = take_down(machine, known, others, deadline, Steps(volume.name, machine.clock.monotonic(), machine.clock))
        if report.result is Result.REFUSED:
            ledger.write(machine, known)
        if report.result is not Result.OK:
            return report, ""
        device.unlink(machine, [volume])
        fstab.update(machine, {volume.id: ()})
        return report, _tell(machine, document, known, deadline)


def _named(known: Mapping[str, Known], name: str) -> Known:
    found = [each for volume_id, each in known.items() if name in (volume_id, each.attachment.volume.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(each.attachment.volume.id for each in found))
        raise BlockstoreError(f"{name!r} is the name of {len(found)} attached volumes: {ids}", hint="name it by id")
    attached = ", ".join(sorted(each.attachment.volume.name for each in known.values())) or "none"
    raise BlockstoreError(f"no volume {name!r} is attached here", hint=f"attached: {attached}")


def _tell(machine: Machine, document: Document, known: Known, deadline: Deadline) -> str:
    """The service, unless the document itself holds this attachment: then there is none to tell, and the next run attaches it
    again."""
    volume = known.attachment.volume
    stated = {each.volume.id for each in document.attachments or ()}
    client = client_of(document, machine)
    try:
        if client is not None and volume.id not in stated:
            client.detach(known.attachment.id, deadline)
    except ServiceError as error:
        return f"the service was not told yet, the next run does so: {error}"
    ledger.forget(machine, volume.id)
    return "the document still attaches it: the next run does so again" if volume.id in stated else ""
