"""Secrets in the database: encrypted where a key is configured, whatever was there before; and keys that can be changed."""

import sqlite3
from dataclasses import replace

import pytest

from metadata_server.domain.errors import Unavailable
from metadata_server.store import cipher, keyring
from tests.store.test_store import ATTACHMENT, INSTANCE, VOLUME

PLANTED = ("pLanted0utgoing", "pLanted1ncoming", "pLantedUserData", "pLantedSharedKey")


@pytest.fixture
def key_file(tmp_path):
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text(f"# a remark\n{cipher.new_key()}\n")
    return file


def planted():
    from blockstore.iscsi import Chap
    from blockstore.secret import Secret

    chap = Chap("u", Secret(PLANTED[0]), "w", Secret(PLANTED[1]))
    return replace(ATTACHMENT, chap=chap), replace(INSTANCE, user_data=f"password: {PLANTED[2]}\n")


def plant(store):
    attachment, instance = planted()
    with store.begin() as transaction:
        transaction.volumes.add(VOLUME)
        transaction.instances.add(instance)
        transaction.attachments.add(attachment)
        transaction.shared_keys.add("planted", PLANTED[3])


def check(store):
    with store.read() as transaction:
        assert (transaction.attachments.get("a"), transaction.instances.get("i")) == planted()
        assert transaction.shared_keys.get("planted") == PLANTED[3]


@pytest.fixture
def at_rest(kind, tmp_path, settings, request):
    """Everything that whoever steals the database gets."""

    def read():
        if kind == "sqlite":
            return b"".join(file.read_bytes() for file in sorted(tmp_path.glob("state.db*")))
        server = request.getfixturevalue("postgresql")
        return server.program("pg_dump", settings.url.partition("@/")[2].partition("?")[0]).encode()

    return read


def test_a_stolen_database_holds_no_secret(opened, at_rest, key_file):
    store = opened(key_file=key_file)
    plant(store)
    check(store)
    stolen = at_rest()
    assert b"iqn.2018-12.com.leftasexercise:web" in stolen
    assert not [secret for secret in PLANTED if secret.encode() in stolen]


def test_what_was_plain_is_encrypted_with_the_first_key(opened, at_rest, key_file):
    store = opened()
    plant(store)
    assert [secret for secret in PLANTED if secret.encode() in at_rest()] == list(PLANTED)
    store.close()
    check(opened(key_file=key_file))
    stolen = at_rest()
    assert not [secret for secret in PLANTED if secret.encode() in stolen]


def test_a_new_key_encrypts_what_is_new_and_the_rest_when_it_is_told_to(opened, key_file):
    old = key_file.read_text()
    plant(opened(key_file=key_file))
    key_file.write_text(f"{cipher.new_key()}\n{old}")
    store = opened(key_file=key_file)
    check(store)
    new = cipher.read(key_file).names[0]
    with store.begin() as transaction:
        transaction.instances.add(replace(INSTANCE, id="j", initiator_name="iqn.2018-12.com.leftasexercise:j"))
    assert keyring.reencrypt(store) == 4
    assert keyring.reencrypt(store) == 0
    check(store)
    with store.connection() as connection:
        stored = connection.exec_driver_sql("SELECT password, password_in FROM attachments").one()
    assert all(text.startswith(f"$secret${new}$") for text in stored)
    key_file.write_text(key_file.read_text().partition("\n")[0])
    check(opened(key_file=key_file))


def test_every_secret_column_is_known():
    assert {f"{column.table.name}.{column.name}" for column in keyring.SECRETS} == {
        "attachments.password", "attachments.password_in", "instances.user_data", "shared_keys.value",
    }  # fmt: skip
    assert all(column.type.place == f"{column.table.name}.{column.name}" for column in keyring.SECRETS)


@pytest.mark.parametrize("loss", ["none", "another"])
def test_without_its_key_the_server_does_not_start(opened, key_file, tmp_path, loss):
    plant(opened(key_file=key_file))
    name = cipher.read(key_file).names[0]
    other = tmp_path / "other"
    other.touch(mode=0o600)
    other.write_text(cipher.new_key())
    said = "no database.key_file is configured" if loss == "none" else f"which {other} does not have"
    with pytest.raises(Unavailable, match=f"encrypted with key {name}.*{said}"):
        opened(key_file=None if loss == "none" else other)


@pytest.mark.parametrize("text", ["", "# nothing\n", "short\n", "AAAA\n", "not base64 at all!"])
def test_a_file_without_keys_is_refused_by_name(key_file, text):
    key_file.write_text(text)
    with pytest.raises(Unavailable, match=f"{key_file} is no key file") as caught:
        cipher.read(key_file)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_a_key_file_that_others_may_read_is_refused(key_file):
    key_file.chmod(0o644)
    with pytest.raises(Unavailable, match=f"{key_file} may be read by others.*chmod 600"):
        cipher.read(key_file)


def test_what_was_moved_or_changed_is_not_taken_for_a_secret(key_file):
    keys = cipher.read(key_file)
    stored = keys.encrypt("text", "attachments.password")
    assert keys.encrypt("text", "attachments.password") != stored
    assert keys.decrypt(stored, "attachments.password") == "text"
    for wrong, place in ((stored, "instances.user_data"), (stored[:-3] + "AA=", "attachments.password")):
        with pytest.raises(Unavailable, match="was changed by somebody"):
            keys.decrypt(wrong, place)


def test_a_text_that_looks_encrypted_stays_what_it_is(key_file):
    for keys in (cipher.Cipher(), cipher.read(key_file)):
        for text in ("", "$secret$", "$secret$plain$x", "$secret$0a1b2c3d$AAAA"):
            assert keys.decrypt(keys.encrypt(text, "p"), "p") == text


def test_sqlite_overwrites_what_is_deleted(tmp_path, opened, kind, at_rest):
    if kind != "sqlite":
        pytest.skip("PostgreSQL's own affair: VACUUM")
    store = opened()
    plant(store)
    with store.begin() as transaction:
        transaction.attachments.remove("a")
    store.close()
    sqlite3.connect(tmp_path / "state.db").execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    assert PLANTED[0].encode() not in at_rest()
