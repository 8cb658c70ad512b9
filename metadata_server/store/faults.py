"""Statements on the exports that are not as they should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import export_faults

_REMOVE = Prepared(delete(export_faults).where(export_faults.c.iqn == bindparam("key")))
_ANY = select(export_faults.c.iqn).limit(1)


class Faults:
    """By target name, why it is not so. They are tried again until there is none."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Mapping[str, str]:
        """All of them."""
        return {row.iqn: row.reason for row in self._connection.execute(select(export_faults).order_by(export_faults.c.iqn))}

    def any(self) -> bool:
        """Whether there is one."""
        return self._connection.execute(_ANY).first() is not None

    def of(self, iqns: Iterable[str]) -> Mapping[str, str]:
        """Those of some targets."""
        found = self._connection.execute(select(export_faults).where(export_faults.c.iqn.in_(tuple(iqns))))
        return {row.iqn: row.reason for row in found}

    def put(self, iqn: str, reason: str) -> None:
        """Note one, instead of what was noted before."""
        self.remove(iqn)
        self._connection.execute(insert(export_faults).values(iqn=iqn, reason=reason))

    def remove(self, iqn: str) -> None:
        """It is as it should be."""
        _REMOVE.write(self._connection, key=iqn)

    def replace(self, faults: Mapping[str, str]) -> None:
        """These, and no others."""
        self._connection.execute(delete(export_faults))
        if faults:
            self._connection.execute(insert(export_faults), [{"iqn": iqn, "reason": why} for iqn, why in faults.items()])
