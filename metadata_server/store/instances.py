"""Statements on instances, their addresses and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select

from metadata_server.domain.instance import Instance
from metadata_server.store.prepared import Prepared
from metadata_server.store.tables import addresses, instances, tokens

_BY_ID = Prepared(select(instances).where(instances.c.id == bindparam("key")))
_TOKEN = Prepared(select(tokens.c.digest, tokens.c.instance_id).where(tokens.c.digest == bindparam("key")))
_BY_ADDRESS = Prepared(select(addresses.c.instance_id).where(addresses.c.address == bindparam("key")))
_ADDRESSES = Prepared(
    select(addresses.c.address).where(addresses.c.instance_id == bindparam("key")).order_by(addresses.c.address)
)


class Instances:
    """Rows in, frozen values out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, instance: Instance) -> None:
        """Insert one."""
        columns = {key: value for key, value in vars(instance).items() if key != "addresses"}
        self._connection.execute(insert(instances).values(**columns))
        self._keep_addresses(instance.id, instance.addresses)

    def get(self, identifier: str) -> Instance | None:
        """By id."""
        row = _BY_ID.first(self._connection, key=identifier)
        return _instance(row, self._addresses_of(identifier)) if row else None

    def all(self) -> tuple[Instance, ...]:
        """All, oldest first."""
        rows = self._connection.execute(select(instances).order_by(instances.c.created_at, instances.c.id)).all()
        known = self._addresses()
        return tuple(_instance(row, known.get(row.id, ())) for row in rows)

    def by_initiator(self, name: str) -> Instance | None:
        """By initiator name; no two share one."""
        row = self._connection.execute(select(instances).where(instances.c.initiator_name == name)).first()
        return _instance(row, self._addresses_of(row.id)) if row else None

    def by_address(self, address: str) -> str | None:
        """The id of the instance with this address."""
        row = _BY_ADDRESS.first(self._connection, key=address)
        return str(row.instance_id) if row else None

    def set_addresses(self, identifier: str, wanted: Iterable[str]) -> None:
        """These, and no others."""
        self._connection.execute(delete(addresses).where(addresses.c.instance_id == identifier))
        self._keep_addresses(identifier, wanted)

    def _keep_addresses(self, identifier: str, wanted: Iterable[str]) -> None:
        for each in wanted:
            self._connection.execute(insert(addresses).values(address=each, instance_id=identifier))

    def _addresses_of(self, identifier: str) -> tuple[str, ...]:
        return tuple(row.address for row in _ADDRESSES.rows(self._connection, key=identifier))

    def _addresses(self) -> dict[str, tuple[str, ...]]:
        """Of all, by instance."""
        query = select(addresses.c.instance_id, addresses.c.address).order_by(addresses.c.address)
        found: dict[str, tuple[str, ...]] = {}
        for row in self._connection.execute(query):
            found[row.instance_id] = (*found.get(row.instance_id, ()), row.address)
        return found

    def remove(self, identifier: str) -> None:
        """Delete one, with its tokens and its reports."""
        self._connection.execute(delete(instances).where(instances.c.id == identifier))

    def add_token(self, digest: str, identifier: str, created_at: str) -> None:
        """Insert the hash of a token."""
        self._connection.execute(insert(tokens).values(digest=digest, instance_id=identifier, created_at=created_at))

    def hold(self, identifier: str) -> None:
        """Nobody else does so, for this instance, until the transaction has ended."""
        self._connection.execute(select(instances.c.id).where(instances.c.id == identifier).with_for_update(key_share=True))

    def remove_tokens(self, identifier: str, *, but: str = "") -> None:
        """Delete the tokens of an instance, all but the one with this digest."""
        self._connection.execute(delete(tokens).where(tokens.c.instance_id == identifier, tokens.c.digest != but))

    def token(self, digest: str) -> tuple[str, str] | None:
        """The stored digest and the instance's id."""
        row = _TOKEN.first(self._connection, key=digest)
        return (row.digest, row.instance_id) if row else None


def _instance(row: Row[Any], addresses: tuple[str, ...]) -> Instance:
    return Instance(
        id=row.id, name=row.name, initiator_name=row.initiator_name, created_at=row.created_at,
        user_data=row.user_data, network_config=row.network_config, project_id=row.project_id, addresses=addresses,
    )  # fmt: skip
