"""Quotas: set by the operator, kept by whoever makes something."""

from __future__ import annotations

from collections.abc import Mapping

from metadata_server.domain import quota as rules
from metadata_server.domain.quota import UNLIMITED, Usage
from metadata_server.store import Transaction
from metadata_server.workflow.parts import Parts


class Quotas:
    """What an operator does with quotas."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def defaults(self) -> dict[str, int]:
        """Every resource without a limit."""
        return dict.fromkeys(rules.resources(tuple(self._parts.backends.types)), UNLIMITED)

    def all(self) -> dict[str, int]:
        """The limits of all resources."""
        with self._parts.store.read() as transaction:
            return {**self.defaults, **transaction.quotas.all()}

    def usage(self) -> Usage:
        """How much there is."""
        with self._parts.store.read() as transaction:
            return usage(transaction)

    def set(self, limits: Mapping[str, int]) -> dict[str, int]:
        """Set some; gives all."""
        rules.check_limits(limits, tuple(self._parts.backends.types))
        with self._parts.store.begin() as transaction:
            transaction.quotas.set(limits)
        return self.all()

    def clear(self) -> None:
        """No limits any more."""
        with self._parts.store.begin() as transaction:
            transaction.quotas.clear()


def check(transaction: Transaction, volume_type: str, *, size: int = 0, **asked: int) -> None:
    """Raises `OverLimit` where that much more (volumes, snapshots, gigabytes), or one volume of that ``size``, is too much.
    Whoever asks at the same time waits until the transaction ends, so that two cannot both take the last place."""
    limits = transaction.quotas.hold()
    if limits:
        rules.check_size(limits, size)
        rules.check(limits, usage(transaction), asked, volume_type)


def usage(transaction: Transaction) -> Usage:
    """How much there is, in all and of each type."""
    used: dict[str, int] = {}
    for resource, totals in (("volumes", transaction.volumes.totals()), ("snapshots", transaction.snapshots.totals())):
        for name, count, size in totals:
            for key, more in ((resource, count), ("gigabytes", size)):
                used[key] = used.get(key, 0) + more
                used[f"{key}_{name}"] = used.get(f"{key}_{name}", 0) + more
    return Usage(used)
