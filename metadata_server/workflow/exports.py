"""From attachments to exports, and to what is said of them to the instance."""

from __future__ import annotations

from collections.abc import Mapping

from blockstore import attachment as words
from blockstore.errors import BlockstoreError
from blockstore.iscsi import IscsiConnection, IscsiPath
from blockstore.size import GIB
from metadata_server.backends.types import Backends
from metadata_server.domain.attachment import Attachment, wanted
from metadata_server.domain.errors import Conflict
from metadata_server.domain.export import IQN_PREFIX, Export
from metadata_server.domain.volume import Lifecycle, Volume
from metadata_server.store import Transaction
from metadata_server.workflow.parts import Parts

LUN = 1


def export_of(attachment: Attachment, volume: Volume, backends: Backends) -> Export:
    """What the target must look like for this attachment."""
    if attachment.connector is None or attachment.chap is None:
        raise Conflict(f"Attachment {attachment.id} has no connector yet.")
    size = volume.size * GIB if volume.lifecycle is Lifecycle.READY else 0  # until the file is as large as the row says
    return Export(
        iqn=IQN_PREFIX + volume.id, path=backends.of(volume.volume_type).path(volume.id), size=size, serial=volume.id,
        readonly=attachment.mode == "ro", initiator=attachment.connector.initiator, chap=attachment.chap,
    )  # fmt: skip


def ensure(parts: Parts, attachment: Attachment, volume: Volume) -> None:
    """Make the target as this attachment wants it. A fault is kept for `Recovery.mend`, and raised.

    What other servers do comes before or after this: raises `Conflict` where it came before and ended this attachment.
    """
    export = export_of(attachment, volume, parts.backends)
    with parts.claims.held(export.iqn):
        if parts.peers:
            _check_still(parts, attachment)
        try:
            parts.target.ensure(export)
        except BlockstoreError as error:
            parts.faults[export.iqn] = str(error)
            raise
        del parts.faults[export.iqn]


def withdraw(parts: Parts, iqn: str) -> None:
    """Remove an export, unless somebody is to have it: where another server was faster it is the next attachment's already.
    Raises `Unavailable`."""
    with parts.claims.held(iqn):
        if not (parts.peers and _wished(parts, iqn)):
            parts.target.remove(iqn)
        del parts.faults[iqn]


def reconcile(parts: Parts) -> tuple[int, Mapping[str, str]]:
    """Export exactly what is wanted. Gives how many that are, and what could not be done, by target name."""
    with parts.claims.all_held():
        with parts.store.read() as transaction:
            every = wanted_exports(transaction, parts.backends)
        faults = parts.target.reconcile(every)
    parts.faults.replace(dict(faults))
    return len(every), faults


def _wished(parts: Parts, iqn: str) -> bool:
    with parts.store.read() as transaction:
        return any(map(wanted, transaction.attachments.of_volume(iqn.removeprefix(IQN_PREFIX))))


def _check_still(parts: Parts, attachment: Attachment) -> None:
    with parts.store.read() as transaction:
        now = transaction.attachments.get(attachment.id)
    if now is None or not wanted(now) or (now.chap, now.connector) != (attachment.chap, attachment.connector):
        raise Conflict(f"Attachment {attachment.id} is not what it was any more: somebody was faster.")


def wanted_exports(transaction: Transaction, backends: Backends) -> dict[str, Export]:
    """All that must be exported now, by target name."""
    both = transaction.attachments.all_both()
    exports = (export_of(attachment, volume, backends) for attachment, volume in both if wanted(attachment))
    return {export.iqn: export for export in exports}


def connection_of(attachment: Attachment, parts: Parts) -> IscsiConnection | None:
    """How the instance connects; None where it may not (yet, or any more). Holds the secret."""
    if not wanted(attachment):
        return None
    iqn = IQN_PREFIX + attachment.volume_id
    return IscsiConnection(
        paths=(IscsiPath(parts.advertised.of(iqn), iqn, LUN),),
        chap=attachment.chap, chap_algs=parts.target.chap_algorithms,
        serial=attachment.volume_id, volume_id=attachment.volume_id, access_mode=attachment.mode,
    )  # fmt: skip


def described(attachment: Attachment, volume: Volume) -> words.Attachment:
    """What the instance may know of it: no secret."""
    return words.Attachment(
        id=attachment.id, status=attachment.status, mode=attachment.mode,
        volume=words.Volume(volume.id, volume.name or volume.id, volume.size, volume.id, volume.blank, volume.metadata),
    )  # fmt: skip
