"""Secrets are in the database and in the answer to their owner, and nowhere else: not in logs, argv or readable files;
and the server needs no privilege."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from testbed.server import LocalServer
from tests.target import initiator
from tests.target.conftest import Guest, Scene, opened

NOBODY = 65534


def commands() -> list[str]:
    """The argv and environment of every process of this machine that may be read."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                found.append((process / name).read_bytes().decode(errors="replace"))
            except OSError:
                continue
    return found


def test_secrets_leave_no_trace(folder: Path) -> None:
    server = LocalServer(folder, options=("--verbose",))
    with server:
        scene = Scene(server)
        guest = scene.guest()
        volume, attachment = scene.attached(guest, mutual=True)
        login = guest.login(attachment)
        secrets = [login.password, login.password_in, guest.token, server.token]
        initiator.inquiry(login.but(password="A" * 32))
        guest.ask("GET", "attachments", token=guest.token + "x")
        guest.ask("PUT", f"attachments/{attachment}", {"attachment": {"connector": {"initiator": login.password}}})
        server.kill()
        server.start()
        server.end_tgtd()
        server.cli("volume", "list")
        for running in commands():
            assert not any(secret in running for secret in secrets)
        for file in folder.rglob("*"):
            mode = file.lstat().st_mode
            assert not mode & (stat.S_IRWXG | stat.S_IRWXO), f"{file} is open to others"
        assert folder.stat().st_mode & 0o777 == 0o700
        server.detach(volume, force=True)
    for file in (server.log, folder / "tgtd.log"):
        text = file.read_text(errors="replace")
        assert text
        assert not any(secret in text for secret in [*secrets, "A" * 32]), file
    with closing(opened(folder)) as store, store.read() as transaction:
        kept = transaction.connection.exec_driver_sql("SELECT * FROM tokens").fetchall()
    assert kept
    assert guest.token not in str(kept)
    if (folder / "state.db").exists():
        assert guest.token not in (folder / "state.db").read_bytes().decode(errors="replace")


@pytest.fixture
def owned() -> Iterator[Path]:
    """A folder of nobody's, on a path that nobody may walk."""
    folder = Path(tempfile.mkdtemp(prefix="blockstore-"))
    os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs this is unprivileged already: every other test shows it")
def test_it_runs_without_privileges(owned: Path) -> None:
    # The one capability is for reading this checkout and its Python, which may lie in root's home; access(2), by which
    # Alembic looks for its folder, forgets it for whoever is not root unless the securebit says otherwise (capabilities(7)).
    reading = (
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=-all,+dac_read_search",
        "--bounding-set=-all,+dac_read_search",
    )
    user = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    with LocalServer(owned / "state", prefix=("setpriv", *user, *reading)) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == NOBODY
        # tgtd answers its own user alone: its pid is asked of the machine, not of tgtd.
        daemons = [
            int(each.name)
            for each in Path("/proc").glob("[0-9]*")
            if each.stat().st_uid == NOBODY and (each / "comm").read_text().strip() == "tgtd"
        ]
        assert daemons
        guest = Guest(server, server.create_instance("unprivileged"))
        volume, attachment = Scene(server).attached(guest)
        login = guest.login(attachment)
        assert initiator.io(login, "write -P 0x77 0 64k", "read -P 0x77 0 64k").ok
        assert server.volume_file(volume).stat().st_uid == NOBODY
