"""What the operators' page shows where Cinder has the volumes: what was passed through. Cinder is asked nothing for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from metadata_server.domain.passed import Passed
from metadata_server.store import Store, Transaction
from metadata_server.store.overview import AttachmentRow, VolumeRow, Wish
from metadata_server.workflow.overview import Overview


class CinderOverview(Overview):
    """See `Overview`. ``cinder`` says which Cinder it is."""

    def __init__(self, store: Store, cinder: str) -> None:
        super().__init__(store, {})
        self.elsewhere = cinder

    def volumes(self, transaction: Transaction, wish: Wish) -> tuple[VolumeRow, ...]:
        """None: a list of all of them is Cinder's."""
        return ()

    def attachments(self, transaction: Transaction, owners: Sequence[str]) -> Mapping[str, Sequence[AttachmentRow]]:
        """By instance; the volumes have no name here."""
        return {owner: [_row(each) for each in transaction.passed.of_instance(owner)] for owner in owners}


def _row(passed: Passed) -> AttachmentRow:
    going = passed.detaching or passed.released
    status = "detaching" if going else "attached" if passed.completed else "reserved"
    return AttachmentRow(passed.attachment_id, status, passed.mode, "", passed.volume_id, "", 0, passed.instance_id, "")
