"""Statements on instances, their tokens and their last reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from metadata_server.domain.instance import Instance
from metadata_server.store.tables import instances, reports, tokens


class Instances:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, instance: Instance) -> None:
        """Insert one."""
        self._connection.execute(insert(instances).values(**vars(instance)))

    def get(self, identifier: str) -> Instance | None:
        """By id."""
        row = self._connection.execute(select(instances).where(instances.c.id == identifier)).first()
        return _instance(row) if row else None

    def all(self) -> tuple[Instance, ...]:
        """All, oldest first."""
        return tuple(map(_instance, self._connection.execute(select(instances).order_by(instances.c.created_at, instances.c.id))))

    def by_initiator(self, name: str) -> Instance | None:
        """By initiator name; no two share one."""
        row = self._connection.execute(select(instances).where(instances.c.initiator_name == name)).first()
        return _instance(row) if row else None

    def remove(self, identifier: str) -> None:
        """Delete one, with its tokens and its report."""
        self._connection.execute(delete(instances).where(instances.c.id == identifier))

    def add_token(self, digest: str, identifier: str, created_at: str) -> None:
        """Insert the hash of a token."""
        self._connection.execute(insert(tokens).values(digest=digest, instance_id=identifier, created_at=created_at))

    def remove_tokens(self, identifier: str) -> None:
        """Delete all tokens of an instance."""
        self._connection.execute(delete(tokens).where(tokens.c.instance_id == identifier))

    def token(self, digest: str) -> tuple[str, str] | None:
        """The stored digest and the instance's id."""
        row = self._connection.execute(select(tokens.c.digest, tokens.c.instance_id).where(tokens.c.digest == digest)).first()
        return (row.digest, row.instance_id) if row else None

    def set_report(self, identifier: str, body: Mapping[str, object], received_at: str) -> None:
        """Keep the newest report, and no other."""
        self._connection.execute(delete(reports).where(reports.c.instance_id == identifier))
        self._connection.execute(insert(reports).values(instance_id=identifier, body=dict(body), received_at=received_at))

    def report(self, identifier: str) -> tuple[dict[str, object], str] | None:
        """The last report and when it came."""
        row = self._connection.execute(select(reports).where(reports.c.instance_id == identifier)).first()
        return (row.body, row.received_at) if row else None


def _instance(row: Row[Any]) -> Instance:
    return Instance(
        id=row.id, name=row.name, initiator_name=row.initiator_name, created_at=row.created_at,
        user_data=row.user_data, network_config=row.network_config,
    )  # fmt: skip
