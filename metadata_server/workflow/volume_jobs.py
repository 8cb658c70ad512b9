"""What is done to volumes and snapshots, each step with its undo: the same for the one who asks and after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from blockstore.size import GIB
from metadata_server.domain.attachment import wanted
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import Lifecycle, SnapshotMove, VolumeMove
from metadata_server.domain.volume import Volume
from metadata_server.workflow import changes, exports
from metadata_server.workflow.jobs import Job
from metadata_server.workflow.parts import Parts, now


def of_volume(identifier: str) -> str:
    """The subject of a volume's jobs."""
    return f"volume {identifier}"


def of_snapshot(identifier: str) -> str:
    """The subject of a snapshot's jobs."""
    return f"snapshot {identifier}"


class VolumeJobs:
    """Makes jobs of rows."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def make(self, volume: Volume) -> Job:
        """The bytes of a volume that is `creating`."""
        backend, size = self._parts.backends.of(volume.volume_type), volume.size * GIB

        def work() -> None:
            self._parts.observe("volume: create")
            if volume.snapshot_id:
                backend.create_from_snapshot(volume.id, volume.snapshot_id, size)
            elif volume.source_volid:
                backend.create_from_volume(volume.id, volume.source_volid, size)
            else:
                backend.create(volume.id, size)

        return Job(
            of_volume(volume.id), work,
            done=lambda: self._move("volume: record ready", volume, VolumeMove.FINISH),
            undo=lambda: self._forget(volume),
            fail=lambda: self._move("volume: record error", volume, VolumeMove.FAIL),
        )  # fmt: skip

    def grow(self, volume: Volume, before: int) -> Job:
        """A volume that is `extending`; ``before`` is the size in GiB that it goes back to. Where nobody is told of a failure any
        more it is `error_extending`, as in Cinder, until somebody resets it: it has its data and its instance.

        A file that is larger than its row says is harmless; a row that promises more than the file has is not.
        """
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            self._parts.observe("volume: grow")
            backend.extend(volume.id, volume.size * GIB)

        def end(move: VolumeMove) -> None:
            self._move("volume: record the old size", volume, move, size=before)

        return Job(
            of_volume(volume.id), work,
            done=lambda: self._show_growth(volume),
            undo=lambda: end(VolumeMove.UNDO),
            fail=lambda: end(VolumeMove.FAIL),
        )  # fmt: skip

    def delete(self, volume: Volume, snapshots: Sequence[Snapshot] = ()) -> Job:
        """A volume that is `deleting`, with those of its snapshots that go with it."""
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            for snapshot in snapshots:
                self._parts.observe("snapshot: delete")
                backend.delete_snapshot(snapshot.id)
            self._parts.observe("volume: delete")
            backend.delete(volume.id)

        def fail() -> None:
            self._parts.observe("volume: record error_deleting")
            with self._parts.store.begin() as transaction:
                transaction.volumes.move(volume.id, VolumeMove.FAIL, now())
                for snapshot in snapshots:
                    transaction.snapshots.move(snapshot.id, SnapshotMove.FAIL, now())

        return Job(of_volume(volume.id), work, done=lambda: self._forget(volume, snapshots), undo=fail, fail=fail)

    def revert(self, volume: Volume, snapshot: Snapshot) -> Job:
        """A volume that is `reverting` to a snapshot that is `restoring`; until it is whole, nothing of it is seen."""
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            self._parts.observe("volume: revert")
            backend.revert(volume.id, snapshot.id, volume.size * GIB)

        def end(move: VolumeMove, other: SnapshotMove) -> None:
            self._parts.observe("volume: record the end of reverting")
            with self._parts.store.begin() as transaction:
                transaction.volumes.move(volume.id, move, now(), blank=False)
                transaction.snapshots.move(snapshot.id, other, now())

        return Job(
            of_volume(volume.id), work,
            done=lambda: end(VolumeMove.FINISH, SnapshotMove.FINISH),
            undo=lambda: end(VolumeMove.UNDO, SnapshotMove.FAIL),
            fail=lambda: end(VolumeMove.UNDO, SnapshotMove.FAIL),
        )  # fmt: skip

    def give_up_revert(self, volume: Volume) -> Job:
        """A volume that is `reverting` to a snapshot that was deleted by force. Nobody can say which bytes it has, the ones of
        before or the snapshot's: it is `error`, until somebody resets it."""
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            self._parts.observe("volume: give up reverting")
            backend.unrevert(volume.id)

        def fail() -> None:
            self._move("volume: record error", volume, VolumeMove.FAIL, blank=False)

        return Job(of_volume(volume.id), work, done=fail, undo=fail, fail=fail)

    def make_snapshot(self, snapshot: Snapshot, volume: Volume) -> Job:
        """The bytes of a snapshot that is `creating`."""
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            self._parts.observe("snapshot: create")
            backend.snapshot(snapshot.id, volume.id)

        return Job(
            of_snapshot(snapshot.id), work,
            done=lambda: self._move_snapshot("snapshot: record available", snapshot, SnapshotMove.FINISH),
            undo=lambda: self._forget_snapshot(snapshot),
            fail=lambda: self._move_snapshot("snapshot: record error", snapshot, SnapshotMove.FAIL),
        )  # fmt: skip

    def delete_snapshot(self, snapshot: Snapshot, volume: Volume) -> Job:
        """A snapshot that is `deleting`."""
        backend = self._parts.backends.of(volume.volume_type)

        def work() -> None:
            self._parts.observe("snapshot: delete")
            backend.delete_snapshot(snapshot.id)

        def fail() -> None:
            self._move_snapshot("snapshot: record error_deleting", snapshot, SnapshotMove.FAIL)

        return Job(of_snapshot(snapshot.id), work, done=lambda: self._forget_snapshot(snapshot), undo=fail, fail=fail)

    def _show_growth(self, volume: Volume) -> None:
        """The export, then the row. Attachments are read now: they may be others than when the work began."""
        grown = replace(volume, lifecycle=Lifecycle.READY)
        with self._parts.store.read() as transaction:
            attachments = transaction.attachments.of_volume(volume.id)
        for attachment in filter(wanted, attachments):
            self._parts.observe("volume: show the growth")
            exports.ensure(self._parts, attachment, grown)
        self._move("volume: record ready", volume, VolumeMove.FINISH)
        self._parts.changes.tell(*(changes.instance(each.instance_id) for each in attachments))

    def _move(self, step: str, volume: Volume, move: VolumeMove, **columns: object) -> None:
        self._parts.observe(step)
        with self._parts.store.begin() as transaction:
            transaction.volumes.move(volume.id, move, now(), **columns)

    def _move_snapshot(self, step: str, snapshot: Snapshot, move: SnapshotMove) -> None:
        self._parts.observe(step)
        with self._parts.store.begin() as transaction:
            transaction.snapshots.move(snapshot.id, move, now())

    def _forget(self, volume: Volume, snapshots: Sequence[Snapshot] = ()) -> None:
        self._parts.observe("volume: forget")
        with self._parts.store.begin() as transaction:
            for snapshot in snapshots:
                transaction.snapshots.remove(snapshot.id)
            transaction.volumes.remove(volume.id)

    def _forget_snapshot(self, snapshot: Snapshot) -> None:
        self._parts.observe("snapshot: forget")
        with self._parts.store.begin() as transaction:
            transaction.snapshots.remove(snapshot.id)
