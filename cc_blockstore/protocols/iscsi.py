"""iSCSI through open-iscsi: node records written by hand, one iscsiadm for all logins, everything else read from sysfs."""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.connection_info import Connection
from blockstore.iscsi import IscsiPath
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import device, record, session
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.device import Device
from cc_blockstore.plan.session import Connected


class Iscsi:
    """See `cc_blockstore.protocols.transport.Transport`."""

    service = "iscsid.service"

    def connected(self, machine: Machine, path: IscsiPath) -> Connected:
        """From the session's state in sysfs."""
        return session.connected(session.find(machine, path))

    def prepared(self, machine: Machine, path: IscsiPath) -> bool:
        """Whether there is a node record."""
        return record.exists(machine, path)

    def prepare(self, machine: Machine, connection: Connection, initiator: str, put: Writer, deadline: Deadline) -> None:
        """Write the node record (0600)."""
        with record.locked(machine, deadline):
            record.write(machine, connection, initiator, "automatic", record.Timeouts.within(deadline.remaining()), put)

    def login(self, machine: Machine, paths: Iterable[IscsiPath], deadline: Deadline) -> session.Login:
        """Put the records into the batch's class and start iscsiadm."""
        able, unable = list[IscsiPath](), dict[IscsiPath, OSError]()
        for path in paths:
            try:
                record.set_startup(machine, path, session.BATCH_CLASS)
                able.append(path)
            except OSError as error:
                unable[path] = error
        login = session.Login(machine, able, deadline, unable)
        login.start()
        return login

    def device(self, machine: Machine, path: IscsiPath) -> Device | None:
        """The disk of the LUN behind the session."""
        found = session.find(machine, path)
        return device.see(machine, found, path) if found else None

    def disks(self, machine: Machine, paths: Iterable[IscsiPath]) -> list[IscsiPath]:
        """Those whose session has a disk at all are looked at."""
        having, named = machine.disks.sessions(machine.paths.root), machine.sessions.named(machine.paths.sys)
        likely = [path for path in paths if having is None or named.get(session.end_of(path)) in having]
        return [path for path in likely if self.device(machine, path) is not None]

    def shares(self, one: IscsiPath, other: IscsiPath) -> bool:
        """They are LUNs of one target at one portal: one session, one node record."""
        return (one.iqn, one.portal) == (other.iqn, other.portal)

    def behind(self, machine: Machine, path: IscsiPath) -> list[str]:
        """Those of all LUNs of the session."""
        found = session.find(machine, path)
        return device.behind(found) if found else []

    def drop(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        """Delete the SCSI device of this LUN."""
        found = self.device(machine, path)
        if found is not None:
            device.delete(machine, found.node)
            wait_for(f"{found.node} to go", lambda: self.device(machine, path) is None or None, deadline)

    def scan(self, machine: Machine, path: IscsiPath) -> None:
        """The host of the session looks for this LUN alone."""
        found = session.find(machine, path)
        if found is not None:
            device.scan(machine, found, path)

    def logout(self, machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
        """Close the session."""
        session.logout(machine, path, deadline)

    def hold_back(self, machine: Machine, path: IscsiPath) -> None:
        """open-iscsi.service takes `automatic` ones alone; the end of a login of ours makes it that again."""
        record.set_startup(machine, path, "manual")

    def forget(self, machine: Machine, path: IscsiPath) -> None:
        """Remove the node record, and the secret with it."""
        record.remove(machine, path)
