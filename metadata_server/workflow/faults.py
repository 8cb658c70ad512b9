"""The exports that are not as they should be, by target name, and why: one mapping for all servers, kept in the database."""

from __future__ import annotations

import logging
from collections.abc import ItemsView, Iterator, MutableMapping

from metadata_server.domain.errors import Unavailable
from metadata_server.store import Store

LOG = logging.getLogger(__name__)


class Faults(MutableMapping[str, str]):
    """What cannot be written (a full disk) is remembered here until it can: a fault must not hide behind another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._unwritten: dict[str, str] = {}
        # What may be in the database: where nobody else writes there nearly never is one to remove, and no need to ask for it.
        self._names: set[str] | None = None

    def __getitem__(self, iqn: str) -> str:
        return self._all()[iqn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __setitem__(self, iqn: str, reason: str) -> None:
        self._unwritten[iqn] = reason
        self._known().add(iqn)
        self._write()

    def __delitem__(self, iqn: str) -> None:
        self._unwritten.pop(iqn, None)
        if self._store.database.shared or iqn in self._known():
            with self._store.read() as transaction:
                transaction.faults.remove(iqn)
            self._known().discard(iqn)

    def items(self) -> ItemsView[str, str]:
        """All of them at once."""
        return self._all().items()

    def pop(self, iqn: str, *default: object) -> object:  # type: ignore[override]
        """Without asking whether it was there."""
        del self[iqn]
        return default[0] if default else None

    def replace(self, faults: dict[str, str]) -> None:
        """These, and no others."""
        self._unwritten = dict(faults)
        self._known().update(faults)
        with self._store.begin() as transaction:
            transaction.faults.replace(faults)
        self._unwritten.clear()

    def _known(self) -> set[str]:
        if self._names is None:
            self._names = set(self._all())
        return self._names

    def _all(self) -> dict[str, str]:
        if self._unwritten:
            self._write()
        with self._store.read() as transaction:
            return {**transaction.faults.all(), **self._unwritten}

    def _write(self) -> None:
        try:
            with self._store.begin() as transaction:
                for iqn, reason in self._unwritten.items():
                    transaction.faults.put(iqn, reason)
        except Unavailable as error:
            LOG.error("faults of exports are not written down yet: %s", error)
        else:
            self._unwritten.clear()
