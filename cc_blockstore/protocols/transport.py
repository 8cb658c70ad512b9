"""What is asked of a transport."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from blockstore.connection_info import Connection
from blockstore.errors import BlockstoreError
from blockstore.iscsi import IscsiPath
from blockstore.waiting import Deadline
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.device import Device
from cc_blockstore.plan.session import Connected

# Why a path is not connected.
Trouble = BlockstoreError | OSError


class Batch(Protocol):
    """Several logins under way at once."""

    def arrived(self, paths: Iterable[IscsiPath]) -> Mapping[IscsiPath, Trouble | None]:
        """Those of these paths that need wait no longer, with what is wrong, None where they are connected. Returns at once."""

    def overdue(self, path: IscsiPath) -> Trouble:
        """What is wrong with a path that is still waited for at the deadline."""

    def finish(self) -> None:
        """Until all are done, one way or the other."""


class Transport(Protocol):
    """Thirteen questions; an implementation is one small file. ``service`` is systemd's name of the daemon that logs in."""

    service: str

    def connected(self, machine: Machine, path: IscsiPath) -> Connected:
        """What the kernel says of the connection; no process."""

    def prepared(self, machine: Machine, path: IscsiPath) -> bool:
        """Whether the machine knows how to connect (credentials of an earlier run)."""

    def prepare(self, machine: Machine, connection: Connection, initiator: str, put: Writer, deadline: Deadline) -> None:
        """Put down what the login needs, secrets included, for root's eyes only; ``put`` puts a file in place."""

    def login(self, machine: Machine, paths: Iterable[IscsiPath], deadline: Deadline) -> Batch:
        """Begin to connect all of them, with one process."""

    def device(self, machine: Machine, path: IscsiPath) -> Device | None:
        """The disk, None while there is none."""

    def disks(self, machine: Machine, paths: Iterable[IscsiPath]) -> Collection[IscsiPath]:
        """Those of these paths whose disk is there, by one look for all."""

    def shares(self, one: IscsiPath, other: IscsiPath) -> bool:
        """Whether both go through one connection, with one set of credentials."""

    def behind(self, machine: Machine, path: IscsiPath) -> Collection[str]:
        """The nodes of all disks behind the connection."""

    def drop(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        """Take this disk alone away; the connection stays. Nothing where there is none."""

    def scan(self, machine: Machine, path: IscsiPath) -> None:
        """Have the kernel look whether the disk is there, where it is connected; no process."""

    def logout(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        """Close the connection; nothing where there is none."""

    def hold_back(self, machine: Machine, path: IscsiPath) -> None:
        """The next boot does not connect it by itself; whoever is asked to `login` does."""

    def forget(self, machine: Machine, path: IscsiPath) -> None:
        """Remove what `prepare` put down."""
