"""Instances: registered, given tokens, heard."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from blockstore import iqn
from blockstore.report import Report
from blockstore.secret import Secret
from metadata_server.chance import TOKEN_LENGTH, new_id, new_secret
from metadata_server.domain import instance as rules
from metadata_server.domain.errors import Conflict, Invalid, NotFound
from metadata_server.domain.instance import Instance
from metadata_server.domain.report import same_run, written
from metadata_server.store import Transaction
from metadata_server.workflow import changes
from metadata_server.workflow.parts import now
from metadata_server.workflow.shared import SharedParts


@dataclass(frozen=True)
class Heard:
    """The last report of an instance, and when it came."""

    body: dict[str, object]
    received_at: str


class Instances:
    """What an operator does with instances, and what they tell."""

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts

    def create(
        self, name: str, *, id: str = "", initiator_name: str = "", user_data: str = "", network_config: str = "",
        project_id: str = "", addresses: Iterable[str] = (),
    ) -> Instance:  # fmt: skip
        """Register an instance; without a wish it gets an id, and its initiator name is derived from that."""
        identifier = id or new_id()
        rules.check_id(identifier)
        found = tuple(dict.fromkeys(rules.address(each) for each in addresses))
        instance = Instance(
            identifier, name, initiator_name or iqn.derived(identifier), now(), user_data, network_config, project_id, found
        )
        rules.check_new(name, instance.initiator_name, {"user-data": user_data, "network-config": network_config})
        self._parts.observe("instance: record")
        with self._parts.store.begin() as transaction:
            if transaction.instances.get(identifier):
                raise Conflict(f"There is an instance {identifier} already.")
            if transaction.instances.by_initiator(instance.initiator_name):
                raise Conflict(f"Another instance has the initiator name {instance.initiator_name}.")
            _free(transaction, identifier, found)
            transaction.instances.add(instance)
        return instance

    def set_addresses(self, identifier: str, addresses: Iterable[str]) -> Instance:
        """From now on its requests come from these. Raises `Conflict` for one that another instance has."""
        self.get(identifier)
        found = tuple(dict.fromkeys(rules.address(each) for each in addresses))
        with self._parts.store.begin() as transaction:
            _free(transaction, identifier, found)
            transaction.instances.set_addresses(identifier, found)
        return self.get(identifier)

    def get(self, identifier: str) -> Instance:
        """One instance. Raises `NotFound`."""
        with self._parts.store.read() as transaction:
            instance = transaction.instances.get(identifier)
        if instance is None:
            raise NotFound(f"Instance {identifier} could not be found.")
        return instance

    def all(self) -> tuple[Instance, ...]:
        """All instances, oldest first."""
        with self._parts.store.begin() as transaction:
            return transaction.instances.all()

    def delete(self, identifier: str) -> None:
        """Forget it, with its tokens; refused while it has attachments."""
        self.get(identifier)
        self._parts.observe("instance: forget")
        with self._parts.store.begin() as transaction:
            if transaction.attachments.of_instance(identifier) or transaction.passed.of_instance(identifier):
                raise Conflict(f"Instance {identifier} has attachments; detach them first.")
            transaction.instances.remove(identifier)

    def new_token(self, identifier: str, *, revoke: bool = False) -> Secret:
        """A new token; only its hash is kept. ``revoke`` ends all older ones, which otherwise stay valid."""
        self.get(identifier)
        token = new_secret(TOKEN_LENGTH)
        with self._parts.store.begin() as transaction:
            if revoke:
                transaction.instances.remove_tokens(identifier)
            transaction.instances.add_token(_digest(token.reveal()), identifier, now())
        return token

    def revoke(self, identifier: str, *, but: Secret) -> None:
        """End all tokens but this one, for whoever has put a new one in its place. Raises `Conflict`, and ends none, where it
        is no token of this instance (any more: somebody else has made a newer one the only one)."""
        self.get(identifier)
        digest = _digest(but.reveal())
        with self._parts.store.begin() as transaction:
            transaction.instances.hold(identifier)
            found = transaction.instances.token(digest)
            if found is None or found[1] != identifier:
                raise Conflict(f"The token that is to stay is none of instance {identifier}; none was ended.")
            transaction.instances.remove_tokens(identifier, but=digest)

    def by_token(self, token: str) -> str | None:
        """The id of the instance that this token belongs to."""
        digest = _digest(token)
        with self._parts.store.read() as transaction:
            found = transaction.instances.token(digest)
        # The index finds by a hash of 256 random bits; the comparison in constant time costs nothing and ends any doubt.
        return found[1] if found and hmac.compare_digest(found[0], digest) else None

    def by_address(self, address: str) -> str | None:
        """The id of the instance whose requests come from this address."""
        with self._parts.store.read() as transaction:
            return transaction.instances.by_address(address)

    def report(self, identifier: str, report: Report) -> None:
        """Keep what an instance did; volumes that carry a finished file system now are not blank any more."""
        if report.instance_id not in ("", identifier):
            raise Invalid("the report is another instance's")
        self._parts.observe("instance: report")
        with self._parts.store.begin_grouped() as transaction:
            transaction.reports.hold(identifier)
            before = transaction.reports.newest(identifier)
            if before is not None and not same_run(before.body, report):
                transaction.reports.put_away(before)
            transaction.reports.put(identifier, report.to_wire(), now(), healthy=report.healthy)
            own = {each.volume_id for each in transaction.attachments.of_instance(identifier)}
            marked = False
            for volume_id in sorted(written(report) & own):
                volume = transaction.volumes.get(volume_id)
                if volume is not None and volume.blank:
                    transaction.volumes.change(volume.id, now(), blank=False)
                    marked = True
        if marked:
            self._parts.changes.tell(changes.instance(identifier))

    def heard(self, identifier: str) -> Heard | None:
        """The last report."""
        self.get(identifier)
        with self._parts.store.begin() as transaction:
            found = transaction.reports.newest(identifier)
        return Heard(dict(found.body), found.received_at) if found else None


def _free(transaction: Transaction, identifier: str, addresses: Iterable[str]) -> None:
    for each in addresses:
        owner = transaction.instances.by_address(each)
        if owner not in (None, identifier):
            raise Conflict(f"Instance {owner} has the address {each}.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
