"""Node records of open-iscsi, written by hand: no process, and no secret on any command line.

Facts that force the form: only keys that open-iscsi 2.1.0 knows already (a single unknown one makes `iscsiadm -m node` fail
for every record); a temporary file must not lie below nodes/ (it is taken for another interface's record); keys that are
missing take compiled-in defaults, not those of iscsid.conf.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from blockstore.iscsi import IscsiConnection, IscsiPath
from blockstore.plain import render
from blockstore.values import dataclass
from blockstore.waiting import Deadline, wait_for
from cc_blockstore.machine import files
from cc_blockstore.machine.files import Writer
from cc_blockstore.machine.machine import Machine, Paths

# node.tpgt of every target that tgt, LIO and Cinder hand out.
PORTAL_GROUP = 1
# A connect or login attempt is given up after this many seconds, and tried again while the deadline lasts.
LOGIN_TIMEOUT = 5
# iscsiadm holds its lock for milliseconds.
STALE_SECONDS = 5.0


LONGEST_STARTUP, SECTOR = len("automatic"), 512
_STARTUP = re.compile(r"^node\.startup = (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Timeouts:
    """How long iscsid tries: a refused or silent portal costs ``login_timeout * retries`` seconds, then it is an error."""

    login_timeout: int
    retries: int

    @classmethod
    def within(cls, seconds: float) -> Timeouts:
        """Such that a dead portal is known as dead a little before the deadline, with time left to say so."""
        login_timeout = max(1, min(LOGIN_TIMEOUT, int(seconds * 0.4)))
        return cls(login_timeout, max(1, int(seconds * 0.8) // login_timeout))


def write(
    machine: Machine, connection: IscsiConnection, initiator: str, startup: str, timeouts: Timeouts, put: Writer = files.write
) -> bool:
    """Write the record of the first path. ``startup``: onboot (ours, in the next batch) or automatic. True where it changed."""
    path = connection.paths[0]
    text = render(
        "node-record.j2", path=path, portal_group=PORTAL_GROUP, startup=_padded(startup), initiator=initiator,
        chap=connection.chap, chap_algs=",".join(connection.chap_algs or ("MD5",)), timeouts=timeouts,
    )  # fmt: skip
    target = str(location(machine.paths, path))
    _make_folders(target)
    return put(target, text, staging=_beside(target))


def _make_folders(target: str) -> None:
    """Those of a record, for root alone, from nodes/ down."""
    folder = os.path.dirname(target)
    if os.path.isdir(folder):
        return
    os.makedirs(_beside(target), exist_ok=True)
    of_target = os.path.dirname(folder)
    for each in (os.path.dirname(of_target), of_target, folder):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each, 0o700)


def _beside(target: str) -> str:
    """The folder of nodes/, so on its file system."""
    return target.rsplit("/", 4)[0]


def exists(machine: Machine, path: IscsiPath) -> bool:
    """Whether there is a record with something in it (a crash of iscsiadm may leave an empty one)."""
    return bool(files.read(location(machine.paths, path)))


def set_startup(machine: Machine, path: IscsiPath, startup: str) -> None:
    """Change node.startup in a record: the class that a batched login takes, and what the next boot does.

    In place: the word has the room of the longest one (open-iscsi strips the spaces, in all versions), and lies in the record's
    first sector, where a power cut leaves the old or the new one. Either is sound after that, so that it is not flushed. A record
    that somebody had iscsiadm rewrite has no such room: it is put in place anew.
    """
    target = str(location(machine.paths, path))
    text = files.read_exact(target) or ""
    line = _STARTUP.search(text)
    if line is None or line[1].rstrip() == startup:
        return
    if len(line[1]) == LONGEST_STARTUP and len(text[: line.end()].encode()) <= SECTOR:
        _overwrite(target, len(text[: line.start(1)].encode()), _padded(startup))
        return
    new = f"{text[: line.start(1)]}{_padded(startup)}{text[line.end() :]}"
    files.write(target, new, staging=_beside(target))


def _overwrite(target: str, offset: int, text: str) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, text.encode(), offset)
    finally:
        os.close(descriptor)


def _padded(startup: str) -> str:
    return startup.ljust(LONGEST_STARTUP)


def remove(machine: Machine, path: IscsiPath) -> None:
    """Remove the record, and its target's folder where nothing else is in it."""
    portal_folder = location(machine.paths, path).parent
    shutil.rmtree(portal_folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        portal_folder.parent.rmdir()


def location(paths: Paths, path: IscsiPath) -> Path:
    """The record's file. IPv6 addresses stand without brackets; without a portal group it would be an old-style file."""
    return Path(f"{database(paths)}/{path.iqn}/{path.portal.host},{path.portal.port},{PORTAL_GROUP}/default")


def database(paths: Paths) -> Path:
    """nodes/ of this release: /etc/iscsi before open-iscsi 2.1.10 (Debian 12), /var/lib/iscsi from then on."""
    new, old = f"{paths.iscsi}/nodes", f"{paths.etc}/iscsi/nodes"
    for folder in (new, old):
        if os.path.isdir(folder):
            return Path(folder)
    return Path(new if os.path.isdir(paths.iscsi) else old)


@contextlib.contextmanager
def locked(machine: Machine, deadline: Deadline) -> Iterator[None]:
    """open-iscsi's own lock on its database: a hard link, as iscsiadm takes it (idbm.c).

    Who is killed leaves it behind. It is taken over where no iscsiadm runs that could hold it: another run of ours cannot
    (`lock.exclusive`). iscsiadm itself does so after 30 s.
    """
    folder = f"{machine.paths.root}/run/lock/iscsi"
    lock, held = f"{folder}/lock", f"{folder}/lock.write"
    if not os.path.exists(lock):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(lock).touch(mode=0o600)
    begun = machine.clock.monotonic()

    def take() -> bool | None:
        if machine.clock.monotonic() - begun > STALE_SECONDS and not _iscsiadm_runs(machine):
            Path(held).unlink(missing_ok=True)
        return _linked(lock, held)

    wait_for("open-iscsi's database lock", take, deadline)
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(held)


def _iscsiadm_runs(machine: Machine) -> bool:
    return any(files.read(each) == "iscsiadm" for each in machine.paths.proc.glob("[0-9]*/comm"))


def _linked(lock: str, held: str) -> bool | None:
    try:
        os.link(lock, held)
    except FileExistsError:
        return None
    return True
