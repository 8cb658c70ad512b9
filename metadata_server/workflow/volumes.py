"""Volumes: created, grown, deleted. The row says what is wanted; the bytes follow; then the row says that it is so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metadata_server.chance import new_id
from metadata_server.domain import volume as rules
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.page import EVERYTHING, Page
from metadata_server.domain.states import SnapshotMove, VolumeMove
from metadata_server.domain.volume import Origin, Volume, Wish
from metadata_server.store import Transaction
from metadata_server.workflow import changes, holding, quotas
from metadata_server.workflow.metadata import Edit, kept
from metadata_server.workflow.parts import Parts, now
from metadata_server.workflow.volume_jobs import VolumeJobs, of_snapshot, of_volume

Held = tuple[Volume, tuple[Attachment, ...]]


class Volumes:
    """What an operator does with volumes. What takes longer goes on as a job; `Jobs.hear` waits for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._jobs = parts, VolumeJobs(parts)

    def get(self, identifier: str) -> Held:
        """One volume with its attachments. Raises `NotFound`."""
        with self._parts.store.read() as transaction:
            return holding.volume(transaction, identifier), transaction.attachments.of_volume(identifier)

    def page(self, page: Page) -> tuple[Held, ...]:
        """Those of one page, each with its attachments."""
        with self._parts.store.read() as transaction:
            volumes = transaction.volumes.page(page)
            return _joined(volumes, transaction.attachments.of_volumes(each.id for each in volumes))

    def count(self, page: Page) -> int:
        """How many there are on all pages."""
        with self._parts.store.read() as transaction:
            return transaction.volumes.count(page)

    def all(self) -> tuple[Held, ...]:
        """All volumes, oldest first, each with its attachments."""
        with self._parts.store.read() as transaction:
            return _joined(transaction.volumes.page(EVERYTHING), transaction.attachments.all())

    def create(self, wish: Wish) -> Volume:
        """Make a volume; whether it is blank, its origin says."""
        self._parts.observe("volume: record creation")
        with self._parts.store.begin() as transaction:
            volume_type, least = self._source(transaction, wish)
            volume = rules.new(new_id(), wish, now(), volume_type=volume_type, least=least)
            quotas.check(transaction, volume_type, size=volume.size, volumes=1, gigabytes=volume.size)
            transaction.volumes.add(volume)
        self._parts.jobs.start(self._jobs.make(volume))
        return volume

    def change(
        self,
        identifier: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: Edit = kept,
    ) -> None:
        """Give it other words: what is None stays."""
        self._parts.observe("volume: change")
        with self._parts.store.begin() as transaction:
            volume, attachments = _changed(transaction, identifier, {"name": name, "description": description})
            words = dict(metadata(volume.metadata))
            rules.check_words(name or "", words)
            transaction.volumes.change(identifier, now(), metadata=words)
        self._tell(attachments)

    def flag(self, identifier: str, *, bootable: bool | None = None, readonly: bool | None = None) -> None:
        """Say whether one can boot from it, whether it may be written to. The latter not while somebody has it."""
        self._parts.observe("volume: change")
        with self._parts.store.begin() as transaction:
            _, attachments = _changed(transaction, identifier, {"bootable": bootable, "readonly": readonly})
            if readonly is not None and attachments:
                raise Conflict(f"Volume {identifier} is attached: {'; '.join(holding.holders(transaction, attachments))}.")
        self._tell(attachments)

    def extend(self, identifier: str, size: int) -> Volume:
        """Grow it to ``size`` GiB, also while it is attached."""
        self._parts.jobs.check_idle(of_volume(identifier))
        self._parts.observe("volume: record growth")
        with self._parts.store.begin() as transaction:
            before = holding.moved(transaction, identifier, VolumeMove.EXTEND)
            rules.check_extend(before, size)
            rules.check_idle(before, holding.copies(transaction, before, self._parts))
            quotas.check(transaction, before.volume_type, size=size, gigabytes=size - before.size)
            transaction.volumes.change(identifier, now(), size=size)
        volume = replace(before, size=size)
        self._parts.jobs.start(self._jobs.grow(volume, before.size))
        return volume

    def delete(self, identifier: str, *, cascade: bool = False, force: bool = False) -> None:
        """Destroy it and its bytes; refused while it is attached. ``cascade``: its snapshots, too; ``force``: in any state."""
        self._parts.jobs.check_idle(of_volume(identifier))
        self._parts.observe("volume: record deletion")
        with self._parts.store.begin() as transaction:
            volume = holding.moved(transaction, identifier, VolumeMove.FORCE_DELETE if force else VolumeMove.DELETE)
            snapshots = transaction.snapshots.of_volume(identifier)
            held = holding.holders(transaction, transaction.attachments.of_volume(identifier))
            rules.check_delete(volume, held, 0 if cascade else len(snapshots))
            rules.check_idle(volume, holding.copies(transaction, volume, self._parts))
            for snapshot in snapshots:
                self._parts.jobs.check_idle(of_snapshot(snapshot.id))
                holding.moved_snapshot(transaction, snapshot.id, SnapshotMove.FORCE_DELETE if force else SnapshotMove.DELETE)
        self._parts.jobs.start(self._jobs.delete(volume, snapshots))

    def reset(self, identifier: str, wanted: str) -> None:
        """The operator's word for how it is (os-reset_status)."""
        move = rules.move_of_reset(wanted)
        self._parts.jobs.check_idle(of_volume(identifier))
        there = identifier in self._parts.backends.of(self.get(identifier)[0].volume_type).found().volumes
        self._parts.observe("volume: reset")
        with self._parts.store.begin() as transaction:
            volume = holding.moved(transaction, identifier, move)
            attachments = transaction.attachments.of_volume(identifier)
            rules.check_reset(volume, wanted, rules.status(volume, (each.status for each in attachments)), there=there)

    def _source(self, transaction: Transaction, wish: Wish) -> tuple[str, int]:
        """The type of the new volume, and the size in GiB that it has at least. The source stays until the row is there."""
        asked = self._parts.backends.wished(wish.volume_type)
        if wish.origin is Origin.SNAPSHOT:
            snapshot = holding.moved_snapshot(transaction, wish.source, SnapshotMove.COPY)
            source, size = holding.volume(transaction, snapshot.volume_id).volume_type, snapshot.size
        elif wish.origin is Origin.VOLUME:
            volume = holding.held_for_copy(transaction, wish.source, self._parts)
            source, size = volume.volume_type, volume.size
        else:
            return asked, 0
        if wish.volume_type and asked != source:
            raise Invalid(
                f"Invalid volume_type provided: {asked} (requested type is not compatible; either match the type of the source, "
                f"{source}, or omit the type argument)"
            )
        return source, size

    def _tell(self, attachments: Iterable[Attachment]) -> None:
        self._parts.changes.tell(*(changes.instance(each.instance_id) for each in attachments))


def _changed(transaction: Transaction, identifier: str, columns: Mapping[str, object]) -> Held:
    """The volume with these columns, but for those that are None. Written first, and looked at then: from here to the end of the
    transaction nobody else writes to the row, or reserves the volume. Raises `NotFound`."""
    transaction.volumes.change(identifier, now(), **{key: value for key, value in columns.items() if value is not None})
    return holding.volume(transaction, identifier), transaction.attachments.of_volume(identifier)


def _joined(volumes: tuple[Volume, ...], attachments: Iterable[Attachment]) -> tuple[Held, ...]:
    own: dict[str, list[Attachment]] = {}
    for each in attachments:
        own.setdefault(each.volume_id, []).append(each)
    return tuple((volume, tuple(own.get(volume.id, ()))) for volume in volumes)
