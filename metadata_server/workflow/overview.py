"""What the operators' page shows; read without a lock, so that nobody waits for somebody who looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metadata_server.domain.errors import NotFound
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.store import Store, Transaction
from metadata_server.store.overview import AttachmentRow, InstanceRow, VolumeRow, Wish
from metadata_server.store.reports import Kept

# So many of those with trouble are named above the lists.
MOST_TROUBLE = 5


@dataclass(frozen=True)
class Front:
    """Instances and volumes of one page each (and one more, where there are more); ``faults`` are those of exports, by volume.

    ``elsewhere`` says whose the volumes are where they are not our own.
    """

    instances: tuple[InstanceRow, ...]
    volumes: tuple[VolumeRow, ...]
    attachments: Mapping[str, Sequence[AttachmentRow]]
    trouble: tuple[Kept, ...]
    trouble_count: int
    faults: Mapping[str, str]
    elsewhere: str = ""


@dataclass(frozen=True)
class Single:
    """One instance; its reports are the newest first."""

    instance: InstanceRow
    attachments: tuple[AttachmentRow, ...]
    reports: tuple[Kept, ...]
    faults: Mapping[str, str]


class Overview:
    """Reads, and changes nothing. ``faults`` are those of exports, by target name."""

    elsewhere = ""

    def __init__(self, store: Store, faults: Mapping[str, str]) -> None:
        self._store, self._by_target = store, faults

    def front(self, instances: Wish, volumes: Wish) -> Front:
        """What there is."""
        with self._store.read() as transaction:
            reports, found = transaction.reports, transaction.overview.instances(instances)
            return Front(
                found, self.volumes(transaction, volumes), self.attachments(transaction, [each.id for each in found]),
                reports.with_trouble(MOST_TROUBLE), reports.count_trouble(), self._faults(), self.elsewhere,
            )  # fmt: skip

    def instance(self, identifier: str) -> Single:
        """One instance with all its reports. Raises `NotFound`."""
        with self._store.read() as transaction:
            found = transaction.overview.instance(identifier)
            if found is None:
                raise NotFound(f"Instance {identifier} could not be found.")
            own = self.attachments(transaction, [identifier]).get(identifier, [])
            return Single(found, tuple(own), transaction.reports.of_instance(identifier), self._faults())

    def volumes(self, transaction: Transaction, wish: Wish) -> tuple[VolumeRow, ...]:
        """Those of one page, and one more."""
        return transaction.overview.volumes(wish)

    def attachments(self, transaction: Transaction, owners: Sequence[str]) -> Mapping[str, Sequence[AttachmentRow]]:
        """By instance."""
        return transaction.overview.attachments(owners)

    def _faults(self) -> dict[str, str]:
        return {name.removeprefix(IQN_PREFIX): reason for name, reason in self._by_target.items()}
