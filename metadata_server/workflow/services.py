"""What the two listeners may ask for: the workflows, and how an attachment is described to its owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blockstore.iscsi import IscsiConnection
from blockstore.secret import Secret
from metadata_server.backends.types import VolumeType
from metadata_server.domain.attachment import Attachment
from metadata_server.seed import documents
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.exports import connection_of
from metadata_server.workflow.health import Health
from metadata_server.workflow.instances import Instances
from metadata_server.workflow.jobs import Jobs
from metadata_server.workflow.overview import Overview
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.quotas import Quotas
from metadata_server.workflow.snapshots import Snapshots
from metadata_server.workflow.status import ServerStatus, see
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
        return Overview(self.parts.store, self.parts.faults)

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

    def document(self, identifier: str, name: str) -> str | None:
        """One of these files, without a secret; None where the instance has no such."""
        return documents.document(name, self.instances.get(identifier), self.endpoint(), None)

    def status(self, health: Health) -> ServerStatus:
        """How the server is."""
        return see(self.parts, self.endpoint(), health)
