"""A tgtd of the server's own: found again or started, watched, stopped.

It listens on a control socket in the server's folder, which bears its number. The path goes through ``/proc/self/fd``: a
socket's path has at most 107 bytes, a folder's has no such limit.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

from blockstore.portal import Portal
from blockstore.run import Command, Daemon, start
from blockstore.waiting import Deadline, wait_for
from metadata_server.domain.errors import Unavailable
from metadata_server.targets import tgt_show
from metadata_server.targets.settings import TargetSettings
from metadata_server.targets.tgt_request import Control, Mode, Operation, Request
from metadata_server.targets.tgt_socket import SocketControl
from metadata_server.targets.tgtadm import TgtadmControl

START_SECONDS = 10.0
STOP_SECONDS = 5.0


class Tgtd:
    """One tgtd; ``portal`` is where it listens once it runs, ``number`` tells those of one folder from each other."""

    def __init__(self, folder: Path, settings: TargetSettings, number: int = 0) -> None:
        self._settings, self._number = settings, number
        self._log = folder / (f"tgtd.{number}.log" if number else "tgtd.log")
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._base = f"/proc/self/fd/{self._folder}/tgtd"
        self._socket = SocketControl(Path(f"{self._base}.{number}"))
        self._process: Daemon | None = None
        self._pidfd = -1
        self.pid = 0
        self.portal = settings.portal
        self.control: Control = self._socket
        if settings.control == "tgtadm":
            self.control = TgtadmControl(f"/proc/{os.getpid()}/fd/{self._folder}/tgtd", number)

    @property
    def started(self) -> bool:
        """Whether this server started it, and did not find it."""
        return self._process is not None

    def start(self) -> None:
        """Take over the tgtd that an earlier server left, or start one. Raises `Unavailable`."""
        self._forget()
        if not self._adopt():
            self._launch()
        self._pidfd = os.pidfd_open(self.pid)

    def join(self) -> None:
        """Find the tgtd that another server keeps. Raises `Unavailable`."""
        pid, found = self._socket.peer(), self._portals()
        if len(found) != 1 or not _fits(found[0], self._settings.portal, self._settings.any_port):
            raise Unavailable(f"the tgtd of this folder does not listen on {self._settings.portal} alone")
        self._forget()
        self.pid, self.portal, self._pidfd = pid, found[0], os.pidfd_open(pid)

    def discard(self) -> None:
        """End the one that an earlier server left, wherever it listens, and have done with it."""
        with suppress(Unavailable):
            self.pid = self._socket.peer()
            self._pidfd = os.pidfd_open(self.pid)
            self.stop()
        os.close(self._folder)

    def watch(self) -> int:
        """Readable when this tgtd is dead."""
        return self._pidfd

    def stop(self) -> None:
        """End it. SIGTERM does not stop a tgtd that has targets: they are removed before, so that initiators see a logout."""
        if self.pid:
            self._end()
        self._forget()

    def _adopt(self) -> bool:
        try:
            pid = self._socket.peer()
            found = self._portals()
        except Unavailable:
            return False
        self.pid, self._pidfd = pid, os.pidfd_open(pid)
        if len(found) == 1 and _fits(found[0], self._settings.portal, self._settings.any_port):
            self.portal = found[0]
            self._forget_descriptor()
            return True
        self._end()
        self._forget()
        return False

    def _launch(self) -> None:
        host = f"[{self.portal.host}]" if ":" in self.portal.host else self.portal.host
        port = self.portal.port or 0
        command = Command(
            (self._settings.program, "-f", "-C", str(self._number), "-t", str(self._settings.iothreads),
             "--iscsi", f"portal={host}:{port}"),
            environment={"TGT_IPC_SOCKET": self._base},
        )  # fmt: skip
        try:
            self._process = start(command, log=self._log, pass_fds=(self._folder,))
        except OSError as error:
            raise Unavailable(f"cannot start {self._settings.program}: {error.strerror}", hint="is tgt installed?") from error
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        found = wait_for("tgtd's control socket", self._answer, Deadline.after(START_SECONDS))
        if len(found) != 1 or not _fits(found[0], self.portal, not port):
            # It falls back to 0.0.0.0:3260 without a word; it has no target yet, so that nothing was open.
            self._end()
            self._forget()
            raise Unavailable(f"tgtd cannot listen on {host}:{port}", hint="the port is taken, or the address is not ours")
        self.portal = found[0]
        self._forget_descriptor()

    def _answer(self) -> tuple[Portal, ...] | None:
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            self._forget()
            raise Unavailable(f"tgtd ended at once with code {code}", hint=f"see {self._log}")
        with suppress(Unavailable):
            return self._portals()
        return None

    def _portals(self) -> tuple[Portal, ...]:
        shown = self._socket.send(Request(Mode.PORTAL, Operation.SHOW, tid=-1))
        return tuple(Portal.parse(each) for each in tgt_show.portals(shown))

    def _end(self) -> None:
        """Ask it to end; where it will not (it has targets, it hangs), SIGKILL: it keeps nothing that could be lost."""
        seconds = STOP_SECONDS
        try:
            self._socket.send(Request(Mode.SYSTEM, Operation.DELETE))
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)  # wakes it: it would look up only at its next tick
        except Unavailable:
            seconds = 0.0
        if not self._ended(seconds):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            self._ended(STOP_SECONDS)
        if self._process is not None:
            self._process.wait()

    def _ended(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _forget_descriptor(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._pidfd = -1

    def _forget(self) -> None:
        self._forget_descriptor()
        if self._process is not None:
            self._process.poll()
        self._process, self.pid = None, 0


def _fits(found: Portal, wanted: Portal, any_port: bool) -> bool:
    return found.host == wanted.host and (any_port or found.port == wanted.port)
