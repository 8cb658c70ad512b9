"""What everything in this folder works with, handed in once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from metadata_server.domain.errors import NotFound
from metadata_server.domain.passed import Passed
from metadata_server.engines.cinder.calls import Calls
from metadata_server.engines.cinder.client import CinderClient
from metadata_server.store import Store
from metadata_server.workflow import changes
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.parts import Observer, nobody_listens


@dataclass(frozen=True, kw_only=True)
class CinderParts:
    """``flying``: the keys of reservations that are being made right now by this process."""

    store: Store
    changes: Changes
    client: CinderClient
    calls: Calls
    observe: Observer = nobody_listens
    flying: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)

    def get(self, identifier: str, owner: str | None = None) -> Passed:
        """One attachment of ours. Raises `NotFound`, also for another instance's."""
        with self.store.begin() as transaction:
            found = transaction.passed.get(identifier) if identifier else None
        if found is None or (owner is not None and found.instance_id != owner):
            raise NotFound(f"Attachment {identifier} could not be found.")
        return found

    def change(self, step: str, identifier: str, new: Callable[[Passed], Passed]) -> Passed:
        """Read, decide and write in one transaction, and wake who waits for it; gives what is there now."""
        self.observe(step)
        with self.store.begin() as transaction:
            before = transaction.passed.get(identifier)
            if before is None:
                raise NotFound(f"Attachment {identifier} could not be found.")
            after = new(before)
            if after != before:
                transaction.passed.save(after)
        if after != before:
            self.tell(after)
        return after

    def tell(self, one: Passed) -> None:
        """Wake those who wait for it."""
        self.changes.tell(changes.instance(one.instance_id), changes.attachment(one.attachment_id))
