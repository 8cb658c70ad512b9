"""After a start, and after the target daemon died: the machine is made as the database says, whatever happened before. What
cannot be done then is tried again."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

from blockstore.errors import BlockstoreError
from metadata_server.domain.attachment import Attachment, ending, wanted
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.domain.snapshot import Snapshot
from metadata_server.domain.states import ON_THE_WAY, SNAPSHOT_ON_THE_WAY, Lifecycle, Move, SnapshotStatus
from metadata_server.domain.volume import Volume
from metadata_server.workflow import exports
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.jobs import Job
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.volume_jobs import VolumeJobs, of_snapshot, of_volume
from metadata_server.workflow.volumes import Volumes

LOG = logging.getLogger(__name__)


class Recovery:
    """Reconciles: every attachment with a connector is exported exactly so, and nothing else is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._volumes, self._attachments, self._jobs = Volumes(parts), Attachments(parts), VolumeJobs(parts)

    def check(self) -> None:
        """At the start: every volume's backend is configured and right for it. Raises `Unavailable`, with what to do.

        What a backend has and the database does not know is told and left alone: it is somebody's data, and a database that was
        restored from an older copy would not know it either. Nothing of ours can be left over like that: its row comes first
        and goes last.
        """
        self._parts.backends.check()
        with self._parts.store.read() as transaction:
            for name in transaction.volumes.types():
                self._parts.backends.of(name)
            for name, backend in self._parts.backends:
                there = backend.found()
                strangers = (there.volumes - transaction.volumes.ids(name)) | (there.snapshots - transaction.snapshots.ids(name))
                self._parts.strangers[name] = tuple(sorted(strangers))
        for name, unknown in self._parts.strangers.items():
            if unknown:
                LOG.warning("type %s has what nobody knows here, and it is left alone: %s", name, ", ".join(unknown))

    def restore(self) -> None:
        """Daemon and exports, then what was begun. Raises `Unavailable` when the daemon does not start.

        An attachment whose export cannot be made is `error_attaching`; it does not stop the others.
        """
        try:
            self._parts.target.start()
        except BlockstoreError:
            with suppress(BlockstoreError):  # of several daemons the others may have started, and wait for their exports
                self._export()
            raise
        self._export()

    def _export(self) -> None:
        self._parts.observe("recovery: reconcile")
        count, faults = exports.reconcile(self._parts)
        LOG.info("%d exports are as they should be, %d are not", count - len(faults), len(faults))
        self._complete()

    def mend(self) -> bool:
        """Try again what could not be done; costs two small queries where there is nothing. Gives whether anything is left."""
        if not self._left():
            return False
        wishes = {IQN_PREFIX + volume.id: (one, volume) for volume, own in self._volumes.all() for one in filter(wanted, own)}
        for iqn, before in tuple(self._parts.faults.items()):
            try:
                self._again(iqn, wishes.get(iqn))
            except BlockstoreError as error:
                if str(error) != before:
                    LOG.error("%s: %s", iqn, error)
                self._parts.faults[iqn] = str(error)
        self._complete()
        return self._left()

    def _left(self) -> bool:
        with self._parts.store.read() as transaction:
            unfinished = transaction.volumes.unfinished() or transaction.snapshots.unfinished()
            return bool(self._parts.faults or unfinished) or transaction.attachments.unfinished()

    def _again(self, iqn: str, wish: tuple[Attachment, Volume] | None) -> None:
        if wish is None:
            exports.withdraw(self._parts, iqn)
        else:
            exports.ensure(self._parts, *wish)
            LOG.info("%s is exported as it should be", iqn)

    def _complete(self) -> None:
        """Say in the database which exports are there, release what was being released, and finish what volumes began."""
        faults = dict(self._parts.faults.items())
        for attachment in self._attachments.all():
            failed = IQN_PREFIX + attachment.volume_id in faults
            try:
                if wanted(attachment):
                    self._attachments.note(attachment.id, Move.FAIL if failed else Move.MEND)
                elif attachment.released:
                    self._attachments.finish_release(ending(attachment))
            except BlockstoreError as error:
                LOG.error("attachment %s stays %s: %s", attachment.id, attachment.status.value, error)
        self._resume()

    def _resume(self) -> None:
        """Take up what a kill or a full disk interrupted; what cannot be done yet stays for the next time."""
        with self._parts.store.read() as transaction:
            volumes, snapshots = transaction.volumes.unfinished(), transaction.snapshots.unfinished()
        for volume in volumes:
            self._parts.jobs.resume(of_volume(volume.id), partial(self._job_now, volume.id))
        for snapshot in snapshots:
            self._parts.jobs.resume(of_snapshot(snapshot.id), partial(self._snapshot_job_now, snapshot.id))

    def _job_now(self, identifier: str) -> Job | None:
        with self._parts.store.read() as transaction:
            volume, own = transaction.volumes.get(identifier), transaction.snapshots.of_volume(identifier)
        return self._job(volume, own) if volume is not None and volume.lifecycle in ON_THE_WAY else None

    def _snapshot_job_now(self, identifier: str) -> Job | None:
        with self._parts.store.read() as transaction:
            snapshot = transaction.snapshots.get(identifier)
            volume = transaction.volumes.get(snapshot.volume_id) if snapshot else None
        if snapshot is None or volume is None or snapshot.status not in SNAPSHOT_ON_THE_WAY:
            return None
        return self._snapshot_job(snapshot, volume) if volume.lifecycle is not Lifecycle.DELETING else None

    def _job(self, volume: Volume, snapshots: tuple[Snapshot, ...]) -> Job:
        if volume.lifecycle is Lifecycle.CREATING:
            return self._jobs.make(volume)
        if volume.lifecycle is Lifecycle.EXTENDING:
            return self._jobs.grow(volume, volume.size)
        if volume.lifecycle is Lifecycle.DELETING:
            return self._jobs.delete(volume, snapshots)
        source = next((each for each in snapshots if each.status is SnapshotStatus.RESTORING), None)
        return self._jobs.revert(volume, source) if source is not None else self._jobs.give_up_revert(volume)

    def _snapshot_job(self, snapshot: Snapshot, volume: Volume) -> Job:
        make = snapshot.status is SnapshotStatus.CREATING
        return self._jobs.make_snapshot(snapshot, volume) if make else self._jobs.delete_snapshot(snapshot, volume)
