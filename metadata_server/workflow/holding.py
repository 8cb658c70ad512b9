"""Volumes and snapshots found in a transaction, or held in it so that nobody moves them until it ends."""

from __future__ import annotations

from metadata_server.domain import snapshot as snapshot_rules
from metadata_server.domain import volume as rules
from metadata_server.domain.attachment import Attachment, holder
from metadata_server.domain.errors import Conflict, NotFound
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import SnapshotMove, SnapshotStatus, VolumeMove
from metadata_server.domain.volume import Volume
from metadata_server.store import Transaction
from metadata_server.workflow.parts import Parts, now


def volume(transaction: Transaction, identifier: str) -> Volume:
    """Raises `NotFound`."""
    found = transaction.volumes.get(identifier)
    if found is None:
        raise NotFound(f"Volume {identifier} could not be found.")
    return found


def snapshot(transaction: Transaction, identifier: str) -> Snapshot:
    """Raises `NotFound`."""
    found = transaction.snapshots.get(identifier)
    if found is None:
        raise NotFound(f"Snapshot {identifier} could not be found.")
    return found


def moved(transaction: Transaction, identifier: str, move: VolumeMove) -> Volume:
    """The volume after the move. The move comes first, so that of many one gets it and the others see what it did; what is
    refused after that is rolled back with the transaction. Raises `NotFound`, or `Conflict` where the move is not legal."""
    done = transaction.volumes.moved(identifier, move, now())
    if done is not None:
        return done
    found = volume(transaction, identifier)
    rules.check_move(found, move)
    raise Conflict(f"Volume {identifier} is not what it was any more: somebody was faster.")


def reserved(transaction: Transaction, identifier: str, parts: Parts) -> Volume:
    """A volume that is free, and whose next attachment may come in this transaction. One statement asks whether there is anything
    that forbids it; only where there is, several find out what. Raises `NotFound`, `Conflict` and `Invalid`."""
    found = transaction.volumes.moved(identifier, VolumeMove.RESERVE, now())
    if found is not None and not transaction.volumes.engaged(identifier):
        return found
    seen = found or volume(transaction, identifier)
    there = transaction.attachments.of_volume(identifier)
    rules.check_reserve(seen, (each.status for each in there), holders(transaction, there))
    rules.check_idle(seen, copies(transaction, seen, parts))
    if found is None:
        raise Conflict(f"Volume {identifier} is not what it was any more: somebody was faster.")
    return found


def moved_snapshot(transaction: Transaction, identifier: str, move: SnapshotMove) -> Snapshot:
    """As `moved`."""
    done = transaction.snapshots.move(identifier, move, now())
    found = snapshot(transaction, identifier)
    if not done:
        snapshot_rules.check_move(found, move)
    return found


def held_for_copy(transaction: Transaction, identifier: str, parts: Parts) -> Volume:
    """A volume whose bytes may be copied now. Raises `Conflict` where that would tear them."""
    found = moved(transaction, identifier, VolumeMove.COPY)
    atomic = parts.backends.of(found.volume_type).atomic
    rules.check_copy(found, holders(transaction, transaction.attachments.of_volume(identifier)), atomic=atomic)
    return found


def copies(transaction: Transaction, source: Volume, parts: Parts) -> tuple[str, ...]:
    """What the volume is being copied into now, in words; nothing where a copy is the work of a moment."""
    if parts.backends.of(source.volume_type).atomic:
        return ()
    snapshots = (each for each in transaction.snapshots.of_volume(source.id) if each.status is SnapshotStatus.CREATING)
    made = transaction.volumes.made_from(volume=source.id)
    return (*(f"snapshot {each.id}" for each in snapshots), *(f"volume {each}" for each in made))


def holders(transaction: Transaction, attachments: tuple[Attachment, ...]) -> tuple[str, ...]:
    """Who has a volume, in words, by its attachments."""
    found = ((each, transaction.instances.get(each.instance_id)) for each in attachments)
    return tuple(holder(attachment, instance.name if instance else "") for attachment, instance in found)
