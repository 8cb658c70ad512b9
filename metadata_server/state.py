"""The server's folder: one server at a time, and ``server.json`` (0600), by which the command finds it again."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from blockstore.errors import DeadlineExceeded
from blockstore.portal import Portal
from blockstore.secret import Secret
from blockstore.waiting import Deadline, wait_for
from metadata_server.chance import TOKEN_LENGTH, new_id, random_text
from metadata_server.configuration import Listener
from metadata_server.domain.errors import Conflict, Unavailable

LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Addresses:
    """Where everything listens (``HOST:PORT``, URLs), and as what it is advertised.

    ``portal`` is that of the first target daemon, ``portals`` has all of them. ``…_certificate`` is the SHA-256 of a listener's
    certificate: "" where it speaks plain HTTP.
    """

    instance: str = ""
    operator: str = ""
    portal: str = ""
    portals: tuple[str, ...] = ()
    endpoint: str = ""
    portal_advertised: str = ""
    instance_certificate: str = ""
    operator_certificate: str = ""

    @property
    def listening(self) -> tuple[Portal, ...]:
        """The portals of all target daemons, in their order; port 0 where one had none yet. Older servers wrote one only."""
        every = self.portals or (self.portal,)
        return tuple(_portal(each) for each in every if each)

    @property
    def operator_url(self) -> str:
        """The operators' listener, from this machine."""
        return f"{'https' if self.operator_certificate else 'http'}://{self.operator}"

    @property
    def instance_url(self) -> str:
        """The instances' listener, from this machine."""
        return f"{'https' if self.instance_certificate else 'http'}://{self.instance}"


class State:
    """One folder, mode 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "server.json"
        self.identity_file = folder / "folder-id"
        self._lock = -1

    def lock(self) -> None:
        """Make the folder, and be the only server in it until the process ends. Raises `Conflict` for the second one."""
        self._open(fcntl.LOCK_EX)

    def share(self) -> None:
        """Make the folder, and be one of the servers in it. Raises `Conflict` where one wants to be alone there."""
        self._open(fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Not to be in it any more; gives whether nobody else is. Of several that leave at once one is told so."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)
        return _locked(self._lock, fcntl.LOCK_EX)

    def running(self) -> bool:
        """Whether a server is in the folder now."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _locked(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)

    def _open(self, how: int) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise Unavailable(f"{self.folder} is no folder") from None
        except OSError as error:
            raise Unavailable(f"{self.folder}: {error.strerror}") from error
        try:
            # One who only looks whether a server runs has the lock for an instant.
            wait_for("the folder", lambda: _locked(self._lock, how) or None, Deadline.after(LOOK_SECONDS))
        except DeadlineExceeded:
            raise Conflict(
                f"another server runs in {self.folder}", hint="several servers in one folder need a PostgreSQL, all of them"
            ) from None

    def identity(self) -> str:
        """What tells this folder from all others, wherever it is moved; made at the first call."""
        found = self.identity_file.read_text().strip() if self.identity_file.exists() else ""
        if not found:
            found = new_id()
            self._put(self.identity_file, f"{found}\n")
        return found

    def token(self) -> Secret:
        """The operators' token; made at the first start."""
        return Secret(str(self._read().get("token") or random_text(TOKEN_LENGTH)))

    def addresses(self) -> Addresses:
        """What was written last."""
        values = self._read()
        words: dict[str, Any] = {each.name: values[each.name] for each in fields(Addresses) if each.name in values}
        return Addresses(**{**words, "portals": tuple(words.get("portals", ()))})

    def remembered(self, listener: Listener, last: str) -> Listener:
        """A listener of any port goes on at the port that it had: seeds and node records name it."""
        host, _, port = last.rpartition(":")
        if listener.port == 0 and host.strip("[]") == listener.host and port.isdecimal():
            return Listener(listener.host, int(port))
        return listener

    def write(self, addresses: Addresses, token: Secret) -> None:
        """Write ``server.json``: whole or not at all, readable by the server's user alone."""
        self._put(self._file, json.dumps({**asdict(addresses), "token": token.reveal(), "pid": os.getpid()}, indent=1))

    @staticmethod
    def _put(path: Path, text: str) -> None:
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        except OSError as error:
            hint = "as the server's user, or as root" if isinstance(error, PermissionError) else ""
            raise Unavailable(f"{self._file} cannot be read: {error.strerror}", hint=hint) from error
        except ValueError as error:
            raise Unavailable(f"{self._file} is broken: {error}") from error
        return found if isinstance(found, dict) else {}


def _portal(text: str) -> Portal:
    host, _, port = text.rpartition(":")
    return Portal(host.strip("[]"), int(port) if port.isdecimal() else 0)


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
