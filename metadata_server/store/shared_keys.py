"""Statements on the keys that all servers of one database share."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from metadata_server.store.tables import shared_keys


class SharedKeys:
    """By name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> str | None:
        """One of them."""
        found: str | None = self._connection.execute(select(shared_keys.c.value).where(shared_keys.c.name == name)).scalar()
        return found

    def add(self, name: str, value: str) -> None:
        """Insert one."""
        self._connection.execute(insert(shared_keys).values(name=name, value=value))
