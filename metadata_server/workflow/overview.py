"""What the operators' page shows; read without a lock, so that nobody waits for somebody who looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from metadata_server.domain.errors import NotFound
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.store.overview import AttachmentRow, InstanceRow, VolumeRow, Wish
from metadata_server.store.reports import Kept
from metadata_server.workflow.parts import Parts

# So many of those with trouble are named above the lists.
MOST_TROUBLE = 5


@dataclass(frozen=True)
class Front:
    """Instances and volumes of one page each (and one more, where there are more); ``faults`` are those of exports, by volume."""

    instances: tuple[InstanceRow, ...]
    volumes: tuple[VolumeRow, ...]
    attachments: Mapping[str, list[AttachmentRow]]
    trouble: tuple[Kept, ...]
    trouble_count: int
    faults: Mapping[str, str]


@dataclass(frozen=True)
class Single:
    """One instance; its reports are the newest first."""

    instance: InstanceRow
    attachments: tuple[AttachmentRow, ...]
    reports: tuple[Kept, ...]
    faults: Mapping[str, str]


class Overview:
    """Reads, and changes nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def front(self, instances: Wish, volumes: Wish) -> Front:
        """What there is."""
        with self._parts.store.read() as transaction:
            overview, reports = transaction.overview, transaction.reports
            found = overview.instances(instances)
            return Front(
                found, overview.volumes(volumes), overview.attachments(each.id for each in found),
                reports.with_trouble(MOST_TROUBLE), reports.count_trouble(), self._faults(),
            )  # fmt: skip

    def instance(self, identifier: str) -> Single:
        """One instance with all its reports. Raises `NotFound`."""
        with self._parts.store.read() as transaction:
            found = transaction.overview.instance(identifier)
            if found is None:
                raise NotFound(f"Instance {identifier} could not be found.")
            own = transaction.overview.attachments([identifier]).get(identifier, [])
            return Single(found, tuple(own), transaction.reports.of_instance(identifier), self._faults())

    def _faults(self) -> dict[str, str]:
        return {name.removeprefix(IQN_PREFIX): reason for name, reason in self._parts.faults.items()}
