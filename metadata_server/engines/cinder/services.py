"""What the two listeners need beside the engine: instances, seeds, and how the server is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from blockstore import __version__
from blockstore.secret import Secret
from metadata_server.engines.cinder.overview import CinderOverview
from metadata_server.engines.cinder.parts import CinderParts
from metadata_server.seed import documents
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.health import Health
from metadata_server.workflow.instances import Instances
from metadata_server.workflow.overview import Overview


@dataclass(frozen=True)
class CinderStatus:
    """``answered``: Cinder answered the last call."""

    version: str
    endpoint: str
    cinder: str
    answered: bool
    database: bool
    instances: int
    attachments: dict[str, int]


@dataclass(frozen=True)
class CinderServices:
    """See `SharedServices`. ``endpoint`` is the URL of the instance listener as instances see it, ``cinder`` Cinder's."""

    parts: CinderParts
    endpoint: Callable[[], str]
    cinder: str

    @property
    def instances(self) -> Instances:
        """Instances."""
        return Instances(self.parts)

    @property
    def changes(self) -> Changes:
        """Waiting for changes."""
        return self.parts.changes

    @property
    def overview(self) -> Overview:
        """What the operators' page shows: instances, what was passed through for them, and their reports."""
        return CinderOverview(self.parts.store, self.cinder)

    def seed(self, identifier: str, *, token: Secret | None) -> dict[str, str]:
        """The files of a NoCloud seed; without a token there is no secret in them."""
        return documents.files(self.instances.get(identifier), self.endpoint(), token)

    def document(self, identifier: str, name: str) -> str | None:
        """One of these files, without a secret; None where the instance has no such."""
        return documents.document(name, self.instances.get(identifier), self.endpoint(), None)

    def status(self, health: Health) -> CinderStatus:
        """How the server is, by its own database; what Cinder has is for Cinder to say."""
        works, amounts = health.look(), health.amounts()
        return CinderStatus(
            __version__, self.endpoint(), self.cinder, works["cinder"], works["database"], amounts.instances, amounts.attachments
        )
