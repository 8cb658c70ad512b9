"""A PostgreSQL of one's own: in a folder in memory, as an unprivileged user, reached over a socket in that folder alone.

It is never the machine's cluster, and it dies with the process that started it.
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import tempfile
from pathlib import Path

from blockstore.run import Command, run
from blockstore.waiting import Deadline, wait_for
from metadata_server.database import DatabaseSettings
from testbed.process import spawn

PROGRAMS = Path("/usr/lib/postgresql")
USER, SYSTEM_USER = "blockstore", "postgres"  # the second is made by Debian's package, for when we are root
SECONDS = 60.0
# What is lost by a power cut may be lost here.
_SETTINGS = (
    "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200",
    "shared_buffers=64MB", "logging_collector=off",
)  # fmt: skip


class LocalPostgresql:
    """Starts with the first question, and stays until `stop`."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        place = memory if os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="blockstore-postgresql-", dir=place))
        self.password = secrets.token_hex(16)
        self.password_file = self.folder / "password"
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(f"{self.password}\n")
        # In libpq's own form, for the programs of PostgreSQL.
        self.passfile = self.folder / "pgpass"
        self.passfile.touch(mode=0o600)
        self.passfile.write_text(f"*:*:*:{USER}:{self.password}\n")
        self._numbers = itertools.count(1)
        self._as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:
            self._give_away()
        data = self.folder / "data"
        self.program(
            "initdb", "-D", str(data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={self.password_file}", "--no-sync",
            "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8",
        )  # fmt: skip
        self.start()

    def _give_away(self) -> None:
        """PostgreSQL refuses to run as root."""
        found = pwd.getpwnam(SYSTEM_USER)
        self._as_user = ("setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups", "--")
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, found.pw_uid, found.pw_gid)

    def start(self) -> None:
        """Run it, and wait until it answers."""
        settings = [word for each in (*_SETTINGS, f"unix_socket_directories={self.folder}") for word in ("-c", each)]
        # An immediate shutdown when we end: SIGKILL would leave its children for a moment, and its shared memory.
        own_end = ("setpriv", "--pdeathsig", "QUIT", "--")
        argv = (*self._as_user, *own_end, _binary("postgres"), "-D", str(self.folder / "data"), *settings)
        self._process = spawn(argv, self.folder / "log")
        command = Command((_binary("pg_isready"), "-h", str(self.folder), "-q"), ok=(0, 1, 2))

        def look() -> bool | None:
            if self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended with code {self._process.returncode}:\n{self.log}")
            return True if run(command, timeout=SECONDS).code == 0 else None

        wait_for("PostgreSQL to answer", look, Deadline.after(SECONDS))

    def end(self) -> None:
        """A fast shutdown, as for a restart: every connection ends."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(SECONDS)

    def stop(self) -> None:
        """End it, and remove the folder."""
        if self._process.poll() is None:
            self.end()
        shutil.rmtree(self.folder)

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text(errors="replace")

    def program(self, name: str, *arguments: str) -> str:
        """Run one of its programs as its user; gives the standard output."""
        environment = {"PGHOST": str(self.folder), "PGUSER": USER, "PGPASSFILE": str(self.passfile)}
        argv = (*self._as_user, _binary(name), *arguments)
        return run(Command(argv, environment=environment), timeout=SECONDS).stdout

    def ask(self, statement: str, *, database: str = "postgres") -> str:
        """One statement through psql; the rows, unaligned."""
        return self.program("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement)

    def database(self, *, template: str = "template0") -> str:
        """The name of a new database, like ``template``."""
        name = f"test{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def url(self, database: str) -> str:
        """Without a password."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    def settings(self, database: str) -> DatabaseSettings:
        """As a server is configured for it."""
        return DatabaseSettings(self.url(database), password_file=self.password_file)


def _binary(name: str) -> str:
    """The newest that is installed; Debian has a folder for each release."""
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError(f"there is no {name} below {PROGRAMS} (apt install postgresql)")
    return str(found[-1])
