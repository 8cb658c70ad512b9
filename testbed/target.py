"""A tgtd that our server did not make: for the tests that need a foreign target beside ours.

It is driven by tgtadm, shares no code with the server, and runs on a port and control socket of its own.
"""

import itertools
import os
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from testbed import process
from testbed.command import CommandFailed, run

_START, _STOP = 10.0, 10.0
_GUEST_VIEW = "10.0.2.2"
# tgtd makes a disk's WWN from the serial's hex digits and from tid and lun: each daemon counts from elsewhere, so that a guest
# that sees two of them does not take two disks for one.
_first_tid = itertools.count(1 + 1000 * (os.getpid() % 1000), 100)


class TargetFailed(Exception):
    """tgtd did not start as it was asked to."""


@dataclass(frozen=True, kw_only=True)
class Chap:
    """One direction's user and password. They stand in tgtadm's argv: use none that matter."""

    user: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Export:
    """One target with one LUN (number 1) to begin with: `backing` is a file or block device, `serial` its SCSI serial (at most 36
    characters). `chap` None lets anybody in; `mutual` is how the target proves itself; `initiator` None: any."""

    iqn: str
    backing: Path
    serial: str
    chap: Chap | None = None
    mutual: Chap | None = None
    initiator: str | None = None


class ForeignTarget:
    """A running tgtd in a `with` block; stopped properly at its end, its sessions dropped."""

    def __init__(self, log: Path) -> None:
        """`log` takes tgtd's messages."""
        self._log = log
        self._tids = itertools.count(next(_first_tid))
        self._exports: dict[str, int] = {}

    def __enter__(self) -> Self:
        # The socket's path has to fit into 108 bytes: not below pytest's long folders.
        self._folder = tempfile.TemporaryDirectory(prefix="tgt-")
        self._environment = dict(os.environ, TGT_IPC_SOCKET=f"{self._folder.name}/socket")
        self.port = _free_port()
        command = ["tgtd", "-f", "-C", "0", "-t", "2", "--iscsi", f"portal=127.0.0.1:{self.port},portal=[::1]:{self.port}"]
        self._process = process.spawn(command, self._log, environment=self._environment)
        try:
            self._wait_started()
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            for iqn in list(self._exports):
                self.remove(iqn)
            # SIGTERM is not obeyed while there are targets, and waits for sessions: this is tgtd's own way to end.
            self._admin("--op", "delete", "--mode", "system")
            self._process.wait(_STOP)
        finally:
            self._process.kill()
            self._process.wait()
            self._folder.cleanup()

    @property
    def portal(self) -> str:
        """Where the host reaches it, as address:port."""
        return f"127.0.0.1:{self.port}"

    @property
    def guest_portal(self) -> str:
        """Where a guest reaches it."""
        return f"{_GUEST_VIEW}:{self.port}"

    @property
    def guest_portal_ipv6(self) -> str:
        """Where a guest with IPv6 reaches it as well."""
        return f"[fec0::2]:{self.port}"

    def add(self, export: Export) -> None:
        """Export a volume. The access list comes last: until then nobody gets in, without a password either."""
        tid = next(self._tids)
        target = ("--mode", "target", "--tid", str(tid))
        self._admin("--op", "new", *target, "-T", export.iqn)
        self._exports[export.iqn] = tid
        self._accounts(tid, export)
        self.add_unit(export.iqn, 1, export.backing, export.serial)
        self._admin("--op", "bind", *target, *(("-Q", export.initiator) if export.initiator else ("-I", "ALL")))

    def add_unit(self, iqn: str, lun: int, backing: Path, serial: str) -> None:
        """One more LUN of a target that is exported already; who is logged in is not told of it."""
        unit = ("--mode", "logicalunit", "--tid", str(self._exports[iqn]), "--lun", str(lun))
        self._admin("--op", "new", *unit, "-b", str(backing))
        self._admin("--op", "update", *unit, "--params", f"scsi_sn={serial},thin_provisioning=1")

    def remove(self, iqn: str) -> None:
        """Withdraw an export; its sessions are dropped."""
        self._admin("--op", "delete", "--mode", "target", "--force", "--tid", str(self._exports.pop(iqn)))

    def sessions(self, iqn: str) -> list[str]:
        """The names of the initiators that are logged in."""
        listing = self._admin("--op", "show", "--mode", "target").split("\nTarget ")
        for block in (f"\n{part}" for part in listing):
            if f": {iqn}\n" in block:
                return [line.split()[1] for line in block.splitlines() if line.strip().startswith("Initiator:")]
        return []

    def _accounts(self, tid: int, export: Export) -> None:
        for chap, direction in ((export.chap, ()), (export.mutual, ("--outgoing",))):
            if chap is not None:
                account = ("--mode", "account", "--user", chap.user)
                self._admin("--op", "new", *account, "--password", chap.password)
                self._admin("--op", "bind", *account, "--tid", str(tid), *direction)

    def _admin(self, *words: str) -> str:
        return run(["tgtadm", "-C", "0", "--lld", "iscsi", *words], environment=self._environment).decode()

    def _wait_started(self) -> None:
        deadline = time.monotonic() + _START
        while True:
            try:
                portals = self._admin("--op", "show", "--mode", "portal")
                break
            except CommandFailed as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise TargetFailed(f"tgtd did not start: {self._log.read_text()}") from error
                time.sleep(0.05)
        # A tgtd that cannot bind its portal listens on 0.0.0.0:3260 instead and says nothing.
        if f"127.0.0.1:{self.port}" not in portals:
            raise TargetFailed(f"tgtd does not listen on 127.0.0.1:{self.port} but on: {portals}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
