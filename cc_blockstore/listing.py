"""Which attachments this instance has: from the metadata service, from the document, or as known from before."""

from __future__ import annotations

from collections.abc import Mapping

from blockstore.attachment import Attachment
from blockstore.errors import ServiceDenied, ServiceError
from blockstore.values import dataclass, replace
from blockstore.waiting import Deadline
from cc_blockstore.client import MetadataClient
from cc_blockstore.document.parse import Document
from cc_blockstore.machine.ledger import Known

NOTHING = "nothing to do: no blockstore document names a metadata service or attachments"
NOWHERE = "the document names no metadata service and no attachments"
NOT_UNDERSTOOD = "not among those attachments of the metadata service that were understood"


@dataclass(frozen=True)
class Listing:
    """The attachments. ``complete``: nothing else is attached, so that what is missing here was detached. ``answered``:
    the service answers. ``faults`` make the run unhealthy, ``notes`` do not. ``lacks``: why there may be more, "" where it is
    complete."""

    attachments: tuple[Attachment, ...]
    complete: bool
    answered: bool = False
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: str = ""


def see(document: Document, known: Mapping[str, Known], client: MetadataClient | None, deadline: Deadline) -> Listing:
    """Ask the service where there is one, in one exchange; else, or where it does not answer, say what is known."""
    static = document.attachments or ()
    if client is None:
        if document.attachments is None:
            return Listing((), complete=False, notes=(NOTHING,), lacks=NOWHERE)
        return Listing(static, complete=True)
    try:
        found, faults = client.attachments(deadline)
    except ServiceError as error:
        return _without_service(static, known, error)
    told = tuple(f"an attachment of the metadata service was not understood: {fault}" for fault in faults)
    stated = {each.volume.id for each in static}
    twice = [each.volume.name for each in found if each.volume.id in stated]
    notes = tuple(f"{name}: attached by the document and by the service; the document's word counts" for name in twice)
    # Where a service is there, only its own "blank" counts: a word that it leaves out is not taken for "nobody can say".
    theirs = (_blank(each, each.volume.blank is True) for each in found if each.volume.id not in stated)
    return Listing(
        (*static, *theirs), not faults, answered=True, faults=told, notes=notes, lacks=NOT_UNDERSTOOD if faults else ""
    )


def _without_service(static: tuple[Attachment, ...], known: Mapping[str, Known], error: ServiceError) -> Listing:
    """The volumes of before are brought up all the same. It is a fault only where nothing is known, or where the service
    answers and says no: then somebody has to do something."""
    stated = {each.volume.id for each in static}
    # What it said of a volume at an earlier run may no longer be so: nothing is formatted on a remembered word.
    before = tuple(_blank(each.attachment, False) for volume_id, each in known.items() if volume_id not in stated)
    if isinstance(error, ServiceDenied) or not known:
        return Listing((*static, *before), complete=False, faults=(str(error),), lacks=str(error))
    note = f"{error}; the volumes known from before were used"
    return Listing((*static, *before), complete=False, notes=(note,), lacks=str(error))


def _blank(attachment: Attachment, blank: bool) -> Attachment:
    return replace(attachment, volume=replace(attachment.volume, blank=blank))
