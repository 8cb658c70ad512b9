"""What the two listeners may ask for: the workflows, and how an attachment is described to its owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from blockstore import __version__
from blockstore.attachment import Status
from blockstore.iscsi import IscsiConnection
from blockstore.secret import Secret
from metadata_server.backends.types import VolumeType
from metadata_server.domain.attachment import Attachment, wanted
from metadata_server.domain.errors import Unavailable
from metadata_server.domain.export import IQN_PREFIX, SeenTarget
from metadata_server.domain.volume import Volume, status
from metadata_server.seed import documents
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.exports import connection_of
from metadata_server.workflow.instances import Instances
from metadata_server.workflow.jobs import Jobs
from metadata_server.workflow.overview import Overview
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.quotas import Quotas
from metadata_server.workflow.snapshots import Snapshots
from metadata_server.workflow.volumes import Volumes


@dataclass(frozen=True)
class Services:
    """``endpoint`` is the URL of the instance listener as instances see it."""

    parts: Parts
    endpoint: Callable[[], str]

    @property
    def instances(self) -> Instances:
        """Instances."""
        return Instances(self.parts)

    @property
    def volumes(self) -> Volumes:
        """Volumes."""
        return Volumes(self.parts)

    @property
    def snapshots(self) -> Snapshots:
        """Snapshots."""
        return Snapshots(self.parts)

    @property
    def quotas(self) -> Quotas:
        """Quotas."""
        return Quotas(self.parts)

    @property
    def jobs(self) -> Jobs:
        """Work under way."""
        return self.parts.jobs

    @property
    def types(self) -> tuple[VolumeType, ...]:
        """The configured volume types, the default one first."""
        return tuple(self.parts.backends.types.values())

    @property
    def attachments(self) -> Attachments:
        """Attachments."""
        return Attachments(self.parts)

    @property
    def overview(self) -> Overview:
        """What the page shows."""
        return Overview(self.parts)

    @property
    def changes(self) -> Changes:
        """Waiting for changes."""
        return self.parts.changes

    def connection(self, attachment: Attachment) -> IscsiConnection | None:
        """How the owner connects; None where it may not."""
        return connection_of(attachment, self.parts)

    def seed(self, identifier: str, *, token: Secret | None) -> dict[str, str]:
        """The files of a NoCloud seed; without a token there is no secret in them."""
        return documents.files(self.instances.get(identifier), self.endpoint(), token)

    def status(self) -> dict[str, object]:
        """How the server is."""
        volumes = self.volumes.all()
        seen = self._seen()
        return {
            "version": __version__,
            "endpoint": self.endpoint(),
            "portal": str(self.parts.advertised()),
            "instances": len(self.instances.all()),
            "volumes": dict(Counter(status(volume, (each.status for each in own)) for volume, own in volumes)),
            "unknown": {name: list(those) for name, those in self.parts.strangers.items() if those},
            "exports": {
                "wanted": sum(wanted(each) for _, own in volumes for each in own),
                "present": len(seen),
                "sessions": sum(len(target.connections) for target in seen.values()),
                "failed": [self._failed(*each, volume) for volume, own in volumes for each in self._faults(own)],
            },
        }

    def _seen(self) -> Mapping[str, SeenTarget]:
        try:
            return self.parts.target.seen()
        except Unavailable:  # it is being started again
            return {}

    def _faults(self, attachments: tuple[Attachment, ...]) -> Iterator[tuple[Attachment, str]]:
        for each in attachments:
            fault = self.parts.faults.get(IQN_PREFIX + each.volume_id, "")
            if fault or each.status is Status.ERROR_ATTACHING:
                yield each, fault or "not exported"

    @staticmethod
    def _failed(attachment: Attachment, fault: str, volume: Volume) -> dict[str, str]:
        return {
            "volume": volume.id, "name": volume.name, "attachment": attachment.id, "instance": attachment.instance_id,
            "status": attachment.status.value, "reason": fault,
        }  # fmt: skip
