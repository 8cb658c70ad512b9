"""Before the one login: how to reach each volume is found out and put down, so that nothing is asked twice."""

from __future__ import annotations

from blockstore.connection_info import Connection
from blockstore.connector import Connector
from blockstore.errors import BlockstoreError, LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.values import dataclass
from blockstore.waiting import Deadline
from cc_blockstore.claims import Claims
from cc_blockstore.client import MetadataClient
from cc_blockstore.machine import connector, device, ledger
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.ledger import Known, connection_serial, serial_of
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.plan.session import Connected
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task


@dataclass
class Preparation:
    """What is needed to prepare volumes: the machine, who we are, the service (None in static mode), how files are put in place,
    and what is whose."""

    machine: Machine
    initiator: str
    endpoint: str
    client: MetadataClient | None
    deadline: Deadline
    put: Writer
    claims: Claims
    _connector: Connector | None = None

    def task(self, wanted: Wanted, known: Known | None) -> Task:
        """One volume, ready for the login. What goes wrong here becomes the task's trouble and holds up no other volume."""
        try:
            return self._task(wanted, known)
        except (BlockstoreError, OSError) as error:
            trouble = LoginFailed(f"cannot prepare the login: {error}")
            return Task(wanted, _nowhere(), TRANSPORTS["iscsi"], credentials=False, trouble=trouble)

    def _task(self, wanted: Wanted, known: Known | None) -> Task:
        if known is not None and self._connected(known):
            return self._known(wanted, known)
        try:
            connection = wanted.attachment.connection or self._ask(wanted)
        except BlockstoreError as error:
            return self._without_answer(wanted, known, error)
        return self._new(wanted, known, connection)

    def _connected(self, known: Known) -> bool:
        return TRANSPORTS[known.transport].connected(self.machine, known.path) is not Connected.NO

    def _known(self, wanted: Wanted, known: Known) -> Task:
        """Connected already: nothing is asked, nothing is written unless the server's word changed (a new name)."""
        serial, named = self._serial(wanted, known), connection_serial(wanted.attachment, known)
        self._note(wanted, Known(wanted.attachment, known.path, known.transport, known.borrowed, serial=named), serial)
        return Task(wanted, known.path, TRANSPORTS[known.transport], serial)

    def _ask(self, wanted: Wanted) -> Connection:
        if self.client is None:
            raise LoginFailed("the document names no connection_info for it")
        if self.deadline.passed():
            raise LoginFailed("no time was left to ask for its connection_info")
        if self._connector is None:
            self._connector = connector.see(self.machine, self.initiator, self.endpoint)
        found = self.client.connect(wanted.attachment.id, self._connector, self.deadline)
        if found.volume_id not in ("", wanted.attachment.volume.id):
            raise LoginFailed(f"its connection_info is that of another volume, {found.volume_id}")
        return found

    def _without_answer(self, wanted: Wanted, known: Known | None, error: BlockstoreError) -> Task:
        """The record of an earlier run may still lead there."""
        if known is not None and TRANSPORTS[known.transport].prepared(self.machine, known.path):
            return Task(wanted, known.path, TRANSPORTS[known.transport], self._serial(wanted, known))
        return Task(wanted, _nowhere(), TRANSPORTS["iscsi"], credentials=False, trouble=error)

    def _new(self, wanted: Wanted, known: Known | None, connection: Connection) -> Task:
        path, transport = connection.paths[0], TRANSPORTS[connection.driver_volume_type]
        serial = self._claim(path, wanted, connection)
        self._leave(known, path)
        # A session that is there although we know nothing of it is somebody else's: used, never closed.
        foreign = known is None and transport.connected(self.machine, path) is not Connected.NO
        foreign = foreign and not any(transport.shares(path, each) for each in self.claims.own)
        now = Known(wanted.attachment, path, connection.driver_volume_type, foreign, serial=connection.serial)
        self._note(wanted, now, serial)
        if not foreign:
            transport.prepare(self.machine, connection, self.initiator, self.put, self.deadline)
        return Task(wanted, path, transport, serial)

    def _claim(self, path: IscsiPath, wanted: Wanted, connection: Connection) -> str:
        """The serial of a volume that is new here, once it is clear that neither it nor the path is another's."""
        volume = wanted.attachment.volume
        serial = volume.serial or connection.serial
        self.claims.path(path, volume.id)
        self.claims.serial(serial, volume.id)
        return serial

    def _leave(self, known: Known | None, path: IscsiPath) -> None:
        """The node record of a path that is no longer this volume's goes, with its secret: open-iscsi would log in by both at the
        next boot. Not one that another volume needs, nor one that was there before us."""
        if known is None or known.borrowed or TRANSPORTS[known.transport].shares(known.path, path):
            return
        transport, others = TRANSPORTS[known.transport], self.claims.of_others(known.attachment.volume.id)
        if not any(transport.shares(known.path, each) for each in others):
            transport.forget(self.machine, known.path)

    def _serial(self, wanted: Wanted, known: Known) -> str:
        """The same of one that is known."""
        serial = serial_of(wanted.attachment, known)
        self.claims.serial(serial, wanted.attachment.volume.id)
        return serial

    def _note(self, wanted: Wanted, known: Known, serial: str) -> None:
        ledger.write(self.machine, known, self.put)
        device.link(self.machine, wanted.attachment.volume, serial, self.put)


def _nowhere() -> IscsiPath:
    from blockstore.portal import Portal

    return IscsiPath(Portal("", 1), "", 0)
