"""iSCSI sessions: seen in sysfs without a process, made by one batched iscsiadm for all volumes, closed one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path

from blockstore.errors import BlockstoreError, CommandFailed, DeadlineExceeded, LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.run import Command
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import files, record
from cc_blockstore.machine.iscsiadm import Exit, reason
from cc_blockstore.machine.machine import Machine
from cc_blockstore.plan.session import Connected

# Our records are in this class while a batch runs: iscsiadm selects by class, by one portal or by one target, never by a list.
BATCH_CLASS = "onboot"


@dataclass(frozen=True)
class Session:
    """One session of the kernel."""

    name: str
    iqn: str
    host: str
    port: int
    state: str
    folder: Path

    def serves(self, path: IscsiPath) -> bool:
        """Whether it leads to this target at this portal."""
        return (self.iqn, self.host, self.port) == (path.iqn, path.portal.host, path.portal.port)


def see(machine: Machine) -> tuple[Session, ...]:
    """All sessions, ours or not."""
    folders = sorted((machine.paths.sys / "class/iscsi_session").glob("session*"))
    return tuple(_session(machine, folder) for folder in folders)


def _session(machine: Machine, folder: Path) -> Session:
    # The persistent address is the one in the record; the other is where a redirected login ended.
    connection = next((machine.paths.sys / "class/iscsi_connection").glob(f"connection{folder.name[7:]}:*"), Path())
    port = files.read(connection / "persistent_port")
    return Session(
        name=folder.name,
        iqn=files.read(folder / "targetname"),
        host=files.read(connection / "persistent_address").strip("[]"),
        port=int(port) if port.isdecimal() else 0,
        state=files.read(folder / "state"),
        folder=folder,
    )


def find(machine: Machine, path: IscsiPath) -> Session | None:
    """The session to this target, if there is one."""
    return next((session for session in see(machine) if session.serves(path)), None)


def connected(session: Session | None) -> Connected:
    """What a session's state means (drivers/scsi/scsi_transport_iscsi.c: LOGGED_IN, FAILED while it recovers, FREE)."""
    if session is None or session.state in ("", "FREE"):
        return Connected.NO
    return Connected.YES if session.state == "LOGGED_IN" else Connected.RECOVERING


class Login:
    """One batched login of all records of the class; every volume waits for its own session only.

    iscsid works on all of them at once, and iscsiadm ends when the slowest has: so it runs in a thread, and a volume goes on as
    soon as the kernel shows its session. The process itself is never killed early: it would leave its database lock behind.
    """

    def __init__(self, machine: Machine, paths: Iterable[IscsiPath], deadline: Deadline) -> None:
        self._machine, self._paths, self._deadline = machine, tuple(paths), deadline
        self._outcome: Future[str] = Future()
        self._thread = threading.Thread(target=self._run, name="iscsiadm", daemon=True)

    def start(self) -> None:
        """Start the one process; none where there is nothing to log in to."""
        if self._paths:
            self._thread.start()
        else:
            self._outcome.set_result("")

    def _run(self) -> None:
        command = Command(("iscsiadm", "-m", "node", f"--loginall={BATCH_CLASS}"), ok=tuple(Exit))
        try:
            done = self._machine.run(command, timeout=self._deadline.remaining() + 10)
            self._outcome.set_result(done.stderr + done.stdout + f"\nexit code {done.code}")
        except (BlockstoreError, OSError) as error:  # OSError: iscsiadm is not installed
            self._outcome.set_exception(error)

    def wait(self, path: IscsiPath) -> None:
        """Wait until this path's session is logged in. Raises `LoginFailed` with the reason that iscsiadm gave for it."""
        try:
            wait_for(f"the login to {path}", lambda: self._look(path), self._deadline)
        except DeadlineExceeded:
            raise LoginFailed(f"no answer from {path.portal} within the deadline", hint="is the portal up?") from None

    def _look(self, path: IscsiPath) -> bool | None:
        ended = self._outcome.done()  # asked first: a session that comes with the process's end must not be missed
        session = find(self._machine, path)
        if connected(session) is Connected.YES:
            return True
        if ended and session is None:
            try:
                raise reason(self._outcome.result(), path)
            except CommandFailed as error:
                raise LoginFailed(f"iscsiadm could not log in to {path.portal}: {error}") from None
        return None

    def finish(self) -> None:
        """Wait for the process, then let the next boot log in by itself (open-iscsi.service takes `automatic`)."""
        if self._paths:
            self._thread.join()
        for path in self._paths:
            record.set_startup(self._machine, path, "automatic")


def logout(machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
    """Close the session to this target, and wait until the kernel has taken its disks away."""
    if find(machine, path) is None:
        return
    argv = ("iscsiadm", "-m", "node", "-T", path.iqn, "-p", str(path.portal), "--logout")
    machine.run(Command(argv, ok=(Exit.OK, Exit.NO_RECORDS)), timeout=deadline.remaining() + 10)
    wait_for(f"the session to {path} to end", lambda: find(machine, path) is None or None, deadline)
