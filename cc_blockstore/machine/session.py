"""iSCSI sessions: seen in sysfs without a process, made by one batched iscsiadm for all volumes, closed one by one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future

from blockstore.errors import BlockstoreError, CommandFailed, LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.run import Command
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import files, record
from cc_blockstore.machine.iscsiadm import Exit, reason
from cc_blockstore.machine.machine import Machine
from cc_blockstore.machine.sessions import End
from cc_blockstore.plan.session import Connected

Trouble = BlockstoreError | OSError

# Our records are in this class while a batch runs: iscsiadm selects by class, by one portal or by one target, never by a list.
BATCH_CLASS = "onboot"
NONE: Mapping[IscsiPath, OSError] = {}


@dataclass(frozen=True)
class Session:
    """One session of the kernel."""

    name: str
    state: str
    folder: str


def find(machine: Machine, path: IscsiPath) -> Session | None:
    """The session to this target, ours or not, if there is one."""
    return _session(machine, machine.sessions.name(machine.paths.sys, end_of(path)))


def find_all(machine: Machine, paths: Iterable[IscsiPath]) -> dict[IscsiPath, Session | None]:
    """The same for several, by one listing."""
    names = machine.sessions.named(machine.paths.sys)
    return {path: _session(machine, names.get(end_of(path), "")) for path in paths}


def end_of(path: IscsiPath) -> End:
    """Where a session of this path leads."""
    return End(path.iqn, path.portal.host, path.portal.port)


def _session(machine: Machine, name: str) -> Session | None:
    folder = f"{machine.paths.sys}/class/iscsi_session/{name}"
    return Session(name, files.read(f"{folder}/state"), folder) if name else None


def connected(session: Session | None) -> Connected:
    """What a session's state means (drivers/scsi/scsi_transport_iscsi.c: LOGGED_IN, FAILED while it recovers, FREE)."""
    if session is None or session.state in ("", "FREE"):
        return Connected.NO
    return Connected.YES if session.state == "LOGGED_IN" else Connected.RECOVERING


class Login:
    """One batched login of all records of the class; no volume waits for another's session.

    iscsid works on all of them at once, and iscsiadm ends when the slowest has: so it runs in a thread, and a volume goes on as
    soon as the kernel shows its session. The process itself is never killed early: it would leave its database lock behind.
    """

    def __init__(
        self, machine: Machine, paths: Iterable[IscsiPath], deadline: Deadline, unable: Mapping[IscsiPath, OSError] = NONE
    ) -> None:
        """``unable``: those whose record could not be put into the class, and why. Nobody logs in to them."""
        self._machine, self._paths, self._deadline, self._unable = machine, tuple(paths), deadline, unable
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

    def arrived(self, paths: Iterable[IscsiPath]) -> dict[IscsiPath, Trouble | None]:
        """Those of these paths that need wait no longer, with what is wrong, None where they are connected. One look for all."""
        ended = self._outcome.done()  # asked first: a session that comes with the process's end must not be missed
        found = find_all(self._machine, paths)
        there: dict[IscsiPath, Trouble | None] = {path: None for path, each in found.items() if connected(each) is Connected.YES}
        gone = [path for path, each in found.items() if (ended or path in self._unable) and each is None]
        return there | {path: self._reason(path) for path in gone}

    def _reason(self, path: IscsiPath) -> Trouble:
        if path in self._unable:
            return self._unable[path]
        try:
            return reason(self._outcome.result(), path)
        except CommandFailed as error:
            return LoginFailed(f"iscsiadm could not log in to {path.portal}: {error}")
        except (BlockstoreError, OSError) as error:
            return error

    def overdue(self, path: IscsiPath) -> Trouble:
        """What is wrong with a path that is still waited for at the deadline."""
        return LoginFailed(f"no answer from {path.portal} within the deadline", hint="is the portal up?")

    def finish(self) -> None:
        """Wait for the process, then let the next boot log in by itself (open-iscsi.service takes `automatic`)."""
        if self._paths:
            self._thread.join()
        for path in self._paths:
            with contextlib.suppress(OSError):  # the volumes are there, and the next boot's run logs in where nobody did
                record.set_startup(self._machine, path, "automatic")


def logout(machine: Machine, path: IscsiPath, deadline: Deadline) -> None:
    """Close the session to this target, and wait until the kernel has taken its disks away."""
    if find(machine, path) is None:
        return
    argv = ("iscsiadm", "-m", "node", "-T", path.iqn, "-p", str(path.portal), "--logout")
    machine.run(Command(argv, ok=(Exit.OK, Exit.NO_RECORDS)), timeout=deadline.remaining() + 10)
    wait_for(f"the session to {path} to end", lambda: find(machine, path) is None or None, deadline)
