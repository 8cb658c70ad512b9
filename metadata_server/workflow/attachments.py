"""Attachments: reserve, connect, complete, detach, release."""

from __future__ import annotations

from dataclasses import replace

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from metadata_server.chance import new_id, new_secret, random_text
from metadata_server.domain import attachment as rules
from metadata_server.domain import volume as volume_rules
from metadata_server.domain.attachment import Attachment, Ending
from metadata_server.domain.errors import Conflict, Invalid, NotFound
from metadata_server.domain.export import IQN_PREFIX
from metadata_server.domain.page import Page
from metadata_server.domain.states import Move
from metadata_server.domain.volume import Volume
from metadata_server.workflow import changes, exports, holding
from metadata_server.workflow.parts import Parts, now

NAME_LENGTH = 20

# What somebody gave here is what they asked for; what nobody gave is everybody's.
ANYBODY = None


class Attachments:
    """The moves of an attachment. ``owner`` is the instance that asks; `ANYBODY` is the operator."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def reserve(self, volume_id: str, instance_id: str, *, mode: str = "rw", mutual: bool = False) -> Attachment:
        """This volume belongs to that instance from now on; nothing is exported yet."""
        if mode not in ("rw", "ro"):
            raise Invalid(f"mode must be rw or ro, not {mode!r}")
        attachment = Attachment(new_id(), volume_id, instance_id, Status.RESERVED, mode, mutual, now())
        self._parts.observe("attachment: reserve")
        with self._parts.store.begin_grouped() as transaction:
            volume_rules.check_mode(holding.reserved(transaction, volume_id, self._parts), mode)
            transaction.attachments.add(attachment)
        self._tell(attachment.id, attachment.instance_id)
        return attachment

    def get(self, identifier: str, owner: str | None = ANYBODY) -> tuple[Attachment, Volume]:
        """One attachment with its volume. Raises `NotFound`, also for another instance's."""
        with self._parts.store.read() as transaction:
            both = transaction.attachments.get_both(identifier)
        if both is None or (owner is not ANYBODY and both[0].instance_id != owner):
            raise _unknown(identifier)
        return both

    def all(self) -> tuple[Attachment, ...]:
        """All attachments, oldest first."""
        with self._parts.store.read() as transaction:
            return transaction.attachments.all()

    def page(self, page: Page) -> tuple[Attachment, ...]:
        """Those of one page."""
        with self._parts.store.read() as transaction:
            return transaction.attachments.page(page)

    def of_instance(self, identifier: str) -> tuple[tuple[Attachment, Volume], ...]:
        """Those of one instance, each with its volume."""
        with self._parts.store.read() as transaction:
            return transaction.attachments.both_of_instance(identifier)

    def connect(self, identifier: str, connector: Connector, owner: str | None = ANYBODY) -> tuple[Attachment, Volume]:
        """Export the volume to this initiator. The same connector again gives the same answer."""
        before, volume = self.get(identifier, owner)
        rules.check_initiator(before, connector)
        attachment = replace(
            before, status=rules.after(before, Move.CONNECT), connector=connector, chap=before.chap or _new_chap(before.mutual)
        )
        if attachment != before:
            self._swap("attachment: record connector", before, attachment)
        try:
            exports.ensure(self._parts, attachment, volume)
        except BaseException:
            if attachment != before:
                self._swap("attachment: forget connector", attachment, before)
            raise
        self._tell(attachment.id, attachment.instance_id)
        return attachment, volume

    def complete(self, identifier: str, owner: str | None = ANYBODY) -> None:
        """The instance uses it. Legal while it is attaching, and again when it is attached."""
        self._parts.observe("attachment: complete")
        with self._parts.store.single() as transaction:
            instance = transaction.attachments.complete(identifier, owner, now())
        if instance is not None:
            self._tell(identifier, instance)
            return
        found = self._one(identifier, owner)
        if rules.after(found, Move.COMPLETE) is not found.status:
            raise _overtaken(found)

    def detach(self, identifier: str) -> Attachment | None:
        """Ask the instance to let go; None where it never connected, so that the attachment is gone at once."""
        before, _ = self.get(identifier)
        attachment = replace(before, status=rules.after(before, Move.DETACH))
        if before.connector is None:
            self.release(identifier)
            return None
        self._swap("attachment: ask to detach", before, attachment)
        self._tell(attachment.id, attachment.instance_id)
        return attachment

    def keep(self, identifier: str) -> Attachment:
        """Take back the wish to detach."""
        before, _ = self.get(identifier)
        attachment = replace(before, status=rules.after(before, Move.KEEP))
        self._swap("attachment: keep", before, attachment)
        self._tell(attachment.id, attachment.instance_id)
        return attachment

    def note(self, identifier: str, move: Move) -> None:
        """Its export is not there, though it should be (`Move.FAIL`), or is there again (`Move.MEND`)."""
        before, _ = self.get(identifier)
        attachment = replace(before, status=rules.after(before, move))
        if attachment != before:
            self._swap(f"attachment: {move.value}", before, attachment)
            self._tell(attachment.id, attachment.instance_id)

    def release(self, identifier: str, owner: str | None = ANYBODY) -> None:
        """Revoke the secret, drop the sessions, remove the export and then the attachment."""
        self._parts.observe("attachment: release")
        with self._parts.store.single() as transaction:
            ending = transaction.attachments.release(identifier, owner)
        if ending is None:
            raise _unknown(identifier)
        self.finish_release(ending)

    def finish_release(self, ending: Ending) -> None:
        """The export, then the row; a volume that may have been written to is not blank any more."""
        exports.withdraw(self._parts, IQN_PREFIX + ending.volume_id)
        self._parts.observe("attachment: forget")
        with self._parts.store.begin_grouped() if ending.written else self._parts.store.single() as transaction:
            transaction.attachments.remove(ending.id)
            if ending.written:
                transaction.volumes.written(ending.volume_id, now())
        self._tell(ending.id, ending.instance_id)

    def _one(self, identifier: str, owner: str | None) -> Attachment:
        """As `get`, without the volume."""
        with self._parts.store.read() as transaction:
            found = transaction.attachments.get(identifier)
        if found is None or (owner is not ANYBODY and found.instance_id != owner):
            raise _unknown(identifier)
        return found

    def _swap(self, step: str, before: Attachment, after: Attachment) -> None:
        self._parts.observe(step)
        with self._parts.store.single() as transaction:
            if not transaction.attachments.swap(before, after):
                raise _overtaken(before)

    def _tell(self, identifier: str, instance: str) -> None:
        self._parts.changes.tell(changes.instance(instance), changes.attachment(identifier))


def _unknown(identifier: str) -> NotFound:
    """The same words for what is not there and for what is another instance's."""
    return NotFound(f"Attachment {identifier} could not be found.")


def _overtaken(before: Attachment) -> Conflict:
    return Conflict(f"Attachment {before.id} is not {before.status.value} any more: somebody was faster.")


def _new_chap(mutual: bool) -> Chap:
    """Credentials of one attachment: the names are as new as the secrets, so that a name tells which secret is bound."""
    if not mutual:
        return Chap(random_text(NAME_LENGTH), new_secret())
    return Chap(random_text(NAME_LENGTH), new_secret(), random_text(NAME_LENGTH), new_secret())
