"""``blockstore-server keys``: the keys that the database's secrets are encrypted with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from metadata_server import configuration
from metadata_server.command.options import state_folder
from metadata_server.domain.errors import Unavailable


@click.group()
def keys() -> None:
    """Keys for the secrets in the database: made, changed, applied."""


@keys.command()
@click.argument("file", type=click.Path(path_type=Path))
def add(file: Path) -> None:
    """Put a new key in front of FILE, which is made (mode 0600) where it is not there.

    The servers must be restarted: from then on it encrypts what is new; what is older stays readable by the keys that
    follow it.
    """
    from metadata_server.store.cipher import key_id_of, new_key

    key, new = new_key(), file.with_name(f"{file.name}.new")
    try:
        before = _keys_in(file) if file.exists() else ""
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as opened:
            opened.write(f"{key}\n{before}")
            opened.flush()
            os.fsync(opened.fileno())
        if file.exists():
            os.chown(new, file.stat().st_uid, file.stat().st_gid)
        new.replace(file)
    except OSError as error:
        raise Unavailable(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"key {key_id_of(key)} is the first one of {file} now; restart the server, then: blockstore-server keys reencrypt")


def _keys_in(file: Path) -> str:
    """What it holds: keys, or nothing but remarks. Raises `Unavailable` for anything else: no server would start with it."""
    from metadata_server.database import private_text
    from metadata_server.store import cipher

    if not file.is_file():
        raise Unavailable(f"{file} is no plain file")
    text = private_text(file)
    if not cipher.remarks(text):
        cipher.read(file)
    return text


@keys.command()
@click.option("--config", "file", type=click.Path(path_type=Path), help="The server's configuration (TOML).")
@click.option("--state", metavar="DIR", help="The server's folder.")
def reencrypt(file: Path | None, state: str | None) -> None:
    """Encrypt every secret in the database with the first key.

    Servers may run meanwhile, once all of them have been restarted with that key. After it the other keys of the file are
    of no use any more, but for backups.
    """
    from metadata_server.store import Store
    from metadata_server.store.keyring import reencrypt as apply

    if file is None and state is None and configuration.DEFAULT_FILE.exists():
        file = configuration.DEFAULT_FILE
    folder = str(state_folder(state)) if state or click.get_current_context().find_root().obj else None
    settings = configuration.load(file, {"state": folder})
    if settings.database.key_file is None:
        raise Unavailable("no database.key_file is configured", hint="blockstore-server keys add FILE makes one")
    store = Store.open(settings.state / "state.db", settings.database)
    try:
        click.echo(f"{apply(store)} secrets were encrypted anew")
    finally:
        store.close()
