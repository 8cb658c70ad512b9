"""After a start, and after the target daemon died: the machine is made as the database says, whatever happened before. What
cannot be done then is tried again."""

from __future__ import annotations

import logging

from blockstore.errors import BlockstoreError
from metadata_server.domain.attachment import Attachment, Move, wanted
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.domain.volume import Volume
from metadata_server.workflow import exports
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.volumes import Volumes

LOG = logging.getLogger(__name__)


class Recovery:
    """Reconciles: every attachment with a connector is exported exactly so, and nothing else is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._volumes, self._attachments = Volumes(parts), Attachments(parts)

    def restore(self) -> None:
        """Daemon and exports, then what was begun. Raises `Unavailable` when the daemon does not start.

        An attachment whose export cannot be made is `error_attaching`; it does not stop the others.
        """
        self._parts.target.start()
        self._parts.observe("recovery: reconcile")
        with self._parts.store.begin() as transaction:
            wanted_now = exports.wanted_exports(transaction, self._parts.backend)
        faults = self._parts.target.reconcile(wanted_now)
        self._parts.faults.clear()
        self._parts.faults.update(faults)
        LOG.info("%d exports are as they should be, %d are not", len(wanted_now.keys() - faults.keys()), len(faults))
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
        with self._parts.store.begin() as transaction:
            return bool(self._parts.faults) or transaction.volumes.unfinished() or transaction.attachments.unfinished()

    def _again(self, iqn: str, wish: tuple[Attachment, Volume] | None) -> None:
        if wish is None:
            self._parts.target.remove(iqn)
            del self._parts.faults[iqn]
        else:
            exports.ensure(self._parts, *wish)
            LOG.info("%s is exported as it should be", iqn)

    def _complete(self) -> None:
        """Say in the database which exports are there, release what was being released, and finish what volumes began."""
        for attachment in self._attachments.all():
            failed = IQN_PREFIX + attachment.volume_id in self._parts.faults
            try:
                if wanted(attachment):
                    self._attachments.note(attachment.id, Move.FAIL if failed else Move.MEND)
                elif attachment.released:
                    self._attachments.finish_release(attachment)
            except BlockstoreError as error:
                LOG.error("attachment %s stays %s: %s", attachment.id, attachment.status.value, error)
        self._volumes.recover()
