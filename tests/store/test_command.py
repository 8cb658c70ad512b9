"""``blockstore-server keys``, on a database that nobody serves."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from metadata_server.command.main import root
from metadata_server.domain.errors import Unavailable
from metadata_server.store import Store, cipher
from tests.store.test_secrets_at_rest import PLANTED, plant


def run(*arguments):
    done = CliRunner().invoke(root, ["keys", *map(str, arguments)])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_keys_are_made_changed_and_applied(tmp_path):
    file, state = tmp_path / "keys", tmp_path / "state"
    config = tmp_path / "server.toml"
    config.write_text(f'state = "{state}"\n[database]\nkey_file = "{file}"\n')
    state.mkdir()
    store = Store.open(state / "state.db")
    plant(store)
    store.close()
    for count in (1, 2):
        said = run("add", file)
        assert cipher.read(file).names[0] in said
        assert len(cipher.read(file).names) == count
        assert not [line for line in file.read_text().splitlines() if line in said]
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("reencrypt", "--config", config) == "0 secrets were encrypted anew\n"  # by the start that found them plain
    run("add", file)
    assert run("reencrypt", "--config", config) == "4 secrets were encrypted anew\n"
    stored = sqlite3.connect(state / "state.db").execute("SELECT password FROM attachments").fetchall()
    assert stored[0][0].startswith(f"$secret${cipher.read(file).names[0]}$")
    assert not [secret for secret in PLANTED if secret.encode() in (state / "state.db").read_bytes()]


def test_without_a_key_there_is_nothing_to_apply(tmp_path):
    with pytest.raises(Unavailable, match=r"no database.key_file is configured.*keys add"):
        run("reencrypt", "--state", tmp_path)


def test_a_file_that_others_may_read_gets_no_key(tmp_path):
    file = tmp_path / "keys"
    file.write_text("")
    file.chmod(0o644)
    with pytest.raises(Unavailable, match="may be read by others"):
        run("add", file)
    assert file.read_text() == ""


def test_only_a_file_of_keys_gets_another_one(tmp_path):
    file = tmp_path / "keys"
    for text in ("garbage\n", "c2hvcnQ=\n"):
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(Unavailable, match="is no key file"):
            run("add", file)
        assert file.read_text() == text
    file.write_text("# made by hand\n")
    run("add", file)
    assert (file.read_text().endswith("\n# made by hand\n"), len(cipher.read(file).names)) == (True, 1)


def test_what_is_no_plain_file_is_neither_replaced_nor_to_be_chmodded(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir()
    for file in (Path("/dev/null"), tmp_path / "folder", tmp_path / "pipe"):
        with pytest.raises(Unavailable, match="is no plain file") as caught:
            run("add", file)
        assert "chmod" not in str(caught.value)


def test_a_folder_that_is_closed_is_a_sentence(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", closed)
    with pytest.raises(Unavailable, match="keys cannot be written: Permission denied"):
        run("add", tmp_path / "keys")
