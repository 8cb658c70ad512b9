"""Snapshots: taken, deleted, gone back to."""

from __future__ import annotations

from collections.abc import Mapping

from metadata_server.backends import Backend
from metadata_server.chance import new_id
from metadata_server.domain import snapshot as rules
from metadata_server.domain import volume as volume_rules
from metadata_server.domain.page import Page
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import SnapshotMove, VolumeMove
from metadata_server.domain.volume import Volume
from metadata_server.workflow import holding, quotas
from metadata_server.workflow.metadata import Edit, kept
from metadata_server.workflow.parts import Parts, now
from metadata_server.workflow.volume_jobs import VolumeJobs, of_snapshot, of_volume


class Snapshots:
    """What an operator does with snapshots. What takes longer goes on as a job; `Jobs.hear` waits for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._jobs = parts, VolumeJobs(parts)

    def get(self, identifier: str) -> Snapshot:
        """One snapshot. Raises `NotFound`."""
        with self._parts.store.read() as transaction:
            return holding.snapshot(transaction, identifier)

    def page(self, page: Page) -> tuple[Snapshot, ...]:
        """Those of one page."""
        with self._parts.store.read() as transaction:
            return transaction.snapshots.page(page)

    def count(self, page: Page) -> int:
        """How many there are on all pages."""
        with self._parts.store.read() as transaction:
            return transaction.snapshots.count(page)

    def create(
        self,
        volume_id: str,
        *,
        name: str = "",
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        force: bool = False,
    ) -> Snapshot:
        """Keep the bytes of a volume as they are now. ``force``: although somebody has it, where the backend can do that."""
        self._parts.observe("snapshot: record creation")
        with self._parts.store.begin() as transaction:
            volume = holding.held_for_copy(transaction, volume_id, self._parts)
            attachments = transaction.attachments.of_volume(volume_id)
            rules.check_force(volume, volume_rules.status(volume, (each.status for each in attachments)), force=force)
            snapshot = rules.new(new_id(), volume, now(), name=name, description=description, metadata=metadata or {})
            quotas.check(transaction, volume.volume_type, snapshots=1, gigabytes=volume.size)
            transaction.snapshots.add(snapshot)
        self._parts.jobs.start(self._jobs.make_snapshot(snapshot, volume))
        return snapshot

    def change(
        self,
        identifier: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: Edit = kept,
    ) -> None:
        """Give it other words: what is None stays."""
        given = {"name": name, "description": description}
        self._parts.observe("snapshot: change")
        with self._parts.store.begin() as transaction:
            # The row first: nobody else writes to it until the transaction ends.
            transaction.snapshots.change(identifier, now(), **{key: value for key, value in given.items() if value is not None})
            words = dict(metadata(holding.snapshot(transaction, identifier).metadata))
            volume_rules.check_words(name or "", words)
            transaction.snapshots.change(identifier, now(), metadata=words)

    def delete(self, identifier: str, *, force: bool = False) -> None:
        """Destroy it; refused while a volume is being made from it. ``force``: whatever its state."""
        self._parts.jobs.check_idle(of_snapshot(identifier))
        self._parts.observe("snapshot: record deletion")
        with self._parts.store.begin() as transaction:
            move = SnapshotMove.FORCE_DELETE if force else SnapshotMove.DELETE
            snapshot = holding.moved_snapshot(transaction, identifier, move)
            rules.check_delete(snapshot, transaction.volumes.made_from(snapshot=identifier))
            volume = holding.volume(transaction, snapshot.volume_id)
            self._parts.jobs.check_idle(of_volume(volume.id))  # it may be what the volume is reverted to
        self._parts.jobs.start(self._jobs.delete_snapshot(snapshot, volume))

    def reset(self, identifier: str, wanted: str) -> None:
        """The operator's word for how it is (os-reset_status)."""
        self._parts.jobs.check_idle(of_snapshot(identifier))
        move = rules.move_of_reset(wanted)
        there = identifier in self._backend_of(identifier).found().snapshots
        self._parts.observe("snapshot: reset")
        with self._parts.store.begin() as transaction:
            rules.check_reset(holding.moved_snapshot(transaction, identifier, move), there=there)

    def _backend_of(self, identifier: str) -> Backend:
        with self._parts.store.read() as transaction:
            volume = holding.volume(transaction, holding.snapshot(transaction, identifier).volume_id)
        return self._parts.backends.of(volume.volume_type)

    def revert(self, volume_id: str, snapshot_id: str) -> Volume:
        """Give a volume that nobody has the bytes of its latest snapshot."""
        self._parts.jobs.check_idle(of_volume(volume_id))
        self._parts.observe("volume: record reverting")
        with self._parts.store.begin() as transaction:
            volume = holding.moved(transaction, volume_id, VolumeMove.REVERT)
            held = holding.holders(transaction, transaction.attachments.of_volume(volume_id))
            latest = next(reversed(transaction.snapshots.of_volume(volume_id)), None)
            rules.check_revert(volume, snapshot_id, latest, held)
            volume_rules.check_idle(volume, holding.copies(transaction, volume, self._parts))
            snapshot = holding.moved_snapshot(transaction, snapshot_id, SnapshotMove.RESTORE)
        self._parts.jobs.start(self._jobs.revert(volume, snapshot))
        return volume
