"""Volumes: created, grown, deleted. The row says what is wanted; the file follows; then the row says that it is so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from blockstore.errors import BlockstoreError
from blockstore.size import GIB
from metadata_server.chance import new_id
from metadata_server.domain import volume as rules
from metadata_server.domain.attachment import Attachment, wanted
from metadata_server.domain.errors import NotFound
from metadata_server.domain.volume import Lifecycle, Origin, Volume
from metadata_server.workflow import changes, exports
from metadata_server.workflow.attachments import holders
from metadata_server.workflow.parts import Parts, now, undoing

LOG = logging.getLogger(__name__)


class Volumes:
    """What an operator does with volumes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(
        self, name: str, size: int, *, origin: Origin, description: str = "", metadata: Mapping[str, str] | None = None
    ) -> Volume:
        """Make a volume of ``size`` GiB; whether it is blank, its origin says."""
        volume = rules.new(new_id(), name, size, now(), origin=origin, description=description, metadata=metadata or {})
        with undoing() as undo:
            self._parts.observe("volume: record creation")
            with self._parts.store.begin() as transaction:
                transaction.volumes.add(volume)
            undo.callback(self._forget, volume)
            self._parts.observe("volume: create")
            undo.callback(self._parts.backend.delete, volume.id)
            self._parts.backend.create(volume.id, size * GIB)
            return self._save(replace(volume, lifecycle=Lifecycle.READY))

    def get(self, identifier: str) -> tuple[Volume, tuple[Attachment, ...]]:
        """One volume with its attachments. Raises `NotFound`."""
        with self._parts.store.begin() as transaction:
            volume = transaction.volumes.get(identifier)
            if volume is None:
                raise NotFound(f"Volume {identifier} could not be found.")
            return volume, transaction.attachments.of_volume(identifier)

    def all(self) -> tuple[tuple[Volume, tuple[Attachment, ...]], ...]:
        """All volumes, each with its attachments."""
        with self._parts.store.begin() as transaction:
            attachments = transaction.attachments.all()
            return tuple(
                (volume, tuple(each for each in attachments if each.volume_id == volume.id))
                for volume in transaction.volumes.all()
            )

    def set_metadata(self, identifier: str, metadata: Mapping[str, str]) -> Volume:
        """Replace the metadata."""
        volume, attachments = self.get(identifier)
        rules.check_new(volume.name, volume.size, metadata)
        saved = self._save(replace(volume, metadata=dict(metadata)))
        self._tell(attachments)
        return saved

    def rename(self, identifier: str, name: str, description: str) -> Volume:
        """Give it another name."""
        volume, attachments = self.get(identifier)
        rules.check_new(name, volume.size, volume.metadata)
        saved = self._save(replace(volume, name=name, description=description))
        self._tell(attachments)
        return saved

    def extend(self, identifier: str, size: int) -> Volume:
        """Grow it to ``size`` GiB, also while it is attached."""
        before, attachments = self.get(identifier)
        rules.check_extend(before, size)
        self._parts.observe("volume: record growth")
        volume = self._save(replace(before, size=size, lifecycle=Lifecycle.EXTENDING))
        with undoing() as undo:
            # A file that is larger than its row says is harmless; a row that promises more than the file has is not.
            undo.callback(self._save, before)
            self.finish_extend(volume, attachments)
        self._tell(attachments)
        return self.get(identifier)[0]

    def finish_extend(self, volume: Volume, attachments: tuple[Attachment, ...]) -> None:
        """The file, the export, the row."""
        self._parts.observe("volume: grow")
        self._parts.backend.extend(volume.id, volume.size * GIB)
        grown = replace(volume, lifecycle=Lifecycle.READY)
        for attachment in filter(wanted, attachments):
            self._parts.observe("volume: show the growth")
            exports.ensure(self._parts, attachment, grown)
        self._save(grown)

    def delete(self, identifier: str) -> None:
        """Destroy it and its bytes; refused while it is attached."""
        volume, attachments = self.get(identifier)
        with self._parts.store.begin() as transaction:
            rules.check_delete(volume, holders(transaction, attachments))
        self._parts.observe("volume: record deletion")
        self._save(replace(volume, lifecycle=Lifecycle.DELETING))
        self._parts.observe("volume: delete")
        self._parts.backend.delete(identifier)
        self._forget(volume)

    def recover(self) -> None:
        """Complete what a kill or a full disk interrupted; what cannot be done yet stays for the next time."""
        for volume, attachments in self.all():
            try:
                self._complete(volume, attachments)
            except BlockstoreError as error:
                LOG.error("volume %s stays %s: %s", volume.id, volume.lifecycle.value, error)

    def _complete(self, volume: Volume, attachments: tuple[Attachment, ...]) -> None:
        if volume.lifecycle is Lifecycle.CREATING:
            self._parts.backend.create(volume.id, volume.size * GIB)
            self._save(replace(volume, lifecycle=Lifecycle.READY))
        elif volume.lifecycle is Lifecycle.EXTENDING:
            self.finish_extend(volume, attachments)
            self._tell(attachments)
        elif volume.lifecycle is Lifecycle.DELETING:
            self._parts.backend.delete(volume.id)
            self._forget(volume)

    def _save(self, volume: Volume) -> Volume:
        volume = replace(volume, updated_at=now())
        self._parts.observe(f"volume: record {volume.lifecycle.value}")
        with self._parts.store.begin() as transaction:
            transaction.volumes.save(volume)
        return volume

    def _forget(self, volume: Volume) -> None:
        self._parts.observe("volume: forget")
        with self._parts.store.begin() as transaction:
            transaction.volumes.remove(volume.id)

    def _tell(self, attachments: tuple[Attachment, ...]) -> None:
        self._parts.changes.tell(*(changes.instance(each.instance_id) for each in attachments))
