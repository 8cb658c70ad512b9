"""After a start, and after the target daemon died: the machine is made as the database says, whatever happened before."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from blockstore.errors import BlockstoreError
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.domain.volume import Lifecycle
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.exports import wanted_exports
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.volumes import Volumes

LOG = logging.getLogger(__name__)


class Recovery:
    """Reconciles: every attachment with a connector is exported exactly so, and nothing else is."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._volumes, self._attachments = Volumes(parts), Attachments(parts)

    def start(self) -> None:
        """Volumes first (an export needs its file), then the daemon, then the exports."""
        self._volumes.recover()
        self.restore()
        for volume, attachments in self._volumes.all():
            if volume.lifecycle is Lifecycle.EXTENDING:
                self._volumes.finish_extend(volume, attachments)

    def restore(self) -> None:
        """Daemon and exports; then what was being released is gone. Raises `Unavailable` when the daemon does not start."""
        self._parts.target.start()
        self._parts.observe("recovery: reconcile")
        with self._parts.store.begin() as transaction:
            wanted = wanted_exports(transaction, self._parts.backend)
        faults = self._parts.target.reconcile(wanted)
        LOG.info("%d exports are as they should be, %d are not", len(wanted.keys() - faults.keys()), len(faults))
        self._finish_releases(faults)

    def _finish_releases(self, faults: Mapping[str, str]) -> None:
        for attachment in self._attachments.all():
            if attachment.released and IQN_PREFIX + attachment.volume_id not in faults:
                try:
                    self._attachments.finish_release(attachment)
                except BlockstoreError as error:
                    LOG.error("attachment %s is not released: %s", attachment.id, error)
