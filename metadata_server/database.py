"""Which database, as the configuration says it: SQLite in the server's folder, or a PostgreSQL; and the keys for its secrets."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from blockstore.reader import Faults, Reader
from blockstore.secret import Secret
from metadata_server.domain.errors import Unavailable
from metadata_server.listening.certificate import secret_fault

SCHEMES = ("postgresql", "postgresql+psycopg")
# Longer than a server that leads is busy with anything: the start of a target daemon with thousands of exports.
LEASE_SECONDS = 30
EXAMPLE = "postgresql+psycopg://blockstore@127.0.0.1/blockstore"


@dataclass(frozen=True)
class DatabaseSettings:
    """``url`` has no password in it ("" is SQLite in the server's folder); ``password`` is the one that it came with.

    ``password_file`` holds the password in its first line. ``key_file`` holds the keys that secrets are encrypted with. After
    ``lease`` seconds without a word from the server that leads another one takes its place.
    """

    url: str = ""
    password: Secret | None = None
    password_file: Path | None = None
    key_file: Path | None = None
    lease: int = LEASE_SECONDS

    @property
    def shared(self) -> bool:
        """Whether several servers may have this database open."""
        return bool(self.url)


def parse(reader: Reader) -> DatabaseSettings:
    """Read ``[database]``. No fault quotes the URL: there may be a password in it."""
    reader.only(("url", "password_file", "key_file", "lease"))
    url, password = _split(reader.text("url", check=_url_fault) or "")
    file, keys = reader.text("password_file"), reader.text("key_file")
    if file and (password is not None or not url):
        reader.faults.add(reader.at("password_file"), "goes with a url that holds no password")
    lease = reader.integer("lease", least=2, most=3600)
    if lease is not None and not url:
        reader.faults.add(reader.at("lease"), "goes with a url: with SQLite there is one server")
    return DatabaseSettings(
        url, password, Path(file) if file else None, Path(keys) if keys else None, LEASE_SECONDS if lease is None else lease
    )


def check(settings: DatabaseSettings, faults: Faults) -> None:
    """Note which of the files cannot be used."""
    for key, file in (("password_file", settings.password_file), ("key_file", settings.key_file)):
        if file is not None and (problem := secret_fault(file)):
            faults.add(f"database.{key}", problem)


def private_text(file: Path) -> str:
    """What a file with secrets holds. Raises `Unavailable` for one that others may read, or that is not there."""
    try:
        mode = file.stat().st_mode
        if stat.S_ISDIR(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # nobody shall be told to chmod these
            raise Unavailable(f"{file} is no plain file")
        if mode & 0o077:
            raise Unavailable(f"{file} may be read by others than its owner", hint=f"chmod 600 {file}")
        return file.read_text()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unavailable(f"{file} cannot be read: {reason}") from None


def _split(url: str) -> tuple[str, Secret | None]:
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    user, colon, _ = credentials.partition(":")
    if not colon:
        return url, None
    return parts._replace(netloc=f"{user}{at}{host}").geturl(), Secret(unquote(parts.password or ""))


def _url_fault(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        right = parts.scheme in SCHEMES and bool(parts.path.strip("/")) and (parts.port or 1) > 0
    except ValueError:
        right = False
    return None if right else f"is not a URL such as {EXAMPLE} (without a url, it is SQLite in the server's folder)"
