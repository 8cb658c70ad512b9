"""What the two listeners ask of an engine: they are written against this, and do not know which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from blockstore.attachment import Attachment
from blockstore.connector import Connector
from blockstore.report import Report
from blockstore.secret import Secret
from metadata_server.domain.passed import Known, NewVolume, Passed, SeenAttachment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from metadata_server.workflow.changes import Changes
    from metadata_server.workflow.health import Health
    from metadata_server.workflow.instances import Instances
from metadata_server.workflow.overview import Overview


class Engine(Protocol):
    """Everything is asked by an instance for itself: what belongs to another one is `NotFound`.

    An attachment is described as its owner may see it; ``connection`` is there in the answer of `connect` and in no other.
    What takes longer than a statement of the database is awaited, and never holds up the event loop.
    """

    async def attachments(self, instance: str) -> tuple[Attachment, ...]:
        """All of this instance, in the order in which they were reserved."""

    async def attachment(self, identifier: str, instance: str) -> Attachment:
        """One of them. Raises `NotFound`."""

    async def connect(self, identifier: str, connector: Connector, instance: str) -> Attachment:
        """Let this initiator in; with the secret. Raises `Conflict` for another initiator, and while it is detaching."""

    async def complete(self, identifier: str, instance: str) -> None:
        """The instance uses it. Raises `Conflict` unless it was connected."""

    async def release(self, identifier: str, instance: str) -> None:
        """The instance let go: the initiator is not let in any more, the volume is free."""

    async def heard(self, instance: str, report: Report) -> None:
        """Keep what the instance did; a volume that carries a file system is not blank any more."""

    async def wait(self, instance: str, seconds: float) -> bool:
        """Wait until something of `attachments` may have changed; False where nothing did in this time."""


class VolumeService(Protocol):
    """What the operators' listener asks where another service owns the volumes: what it passes on to it."""

    async def volumes(self) -> tuple[Known, ...]:
        """All of the project."""

    async def volume(self, identifier: str) -> Known:
        """One. Raises `NotFound`."""

    async def create_volume(self, wish: NewVolume) -> Known:
        """A new one."""

    async def delete_volume(self, identifier: str) -> None:
        """Destroy it."""

    async def extend(self, identifier: str, size: int) -> None:
        """Grow it to ``size`` GiB."""

    async def reserve(self, volume_id: str, instance_id: str, mode: str, *, vouched: bool) -> Passed:
        """This volume belongs to that instance. ``vouched``: the operator says that nobody ever wrote to it."""

    async def detach(self, identifier: str) -> Passed | None:
        """Ask the instance to let go; None where it never connected, so that the attachment is gone at once."""

    async def keep(self, identifier: str) -> Passed:
        """Take back the wish to detach."""

    async def release(self, identifier: str) -> Passed:
        """At once, whatever the instance does with it."""

    async def attachments(self) -> tuple[tuple[Passed, SeenAttachment], ...]:
        """All that were reserved through this server."""

    async def attachment(self, identifier: str) -> tuple[Passed, SeenAttachment, Mapping[str, object]]:
        """One, with its connection_info as it came. Raises `NotFound`."""


class SharedServices(Protocol):
    """What the instances' listener and ``/instances`` need; `workflow.services.Services` has more."""

    @property
    def instances(self) -> Instances:
        """Instances."""

    @property
    def changes(self) -> Changes:
        """Waiting for changes."""

    @property
    def overview(self) -> Overview:
        """What the operators' page shows."""

    def seed(self, identifier: str, *, token: Secret | None) -> dict[str, str]:
        """The files of a NoCloud seed; without a token there is no secret in them."""

    def document(self, identifier: str, name: str) -> str | None:
        """One of these files, without a secret; None where the instance has no such."""

    def status(self, health: Health) -> DataclassInstance:
        """How the server is."""
