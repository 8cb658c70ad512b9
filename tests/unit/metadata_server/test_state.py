"""The server's folder: what is told of one that is none, or is somebody else's."""

import errno
from pathlib import Path

import pytest

from metadata_server.domain.errors import Unavailable
from metadata_server.state import State


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"file is no folder$"):
        State(tmp_path / "file").lock()


def test_who_may_not_read_it_is_told_who_may(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", closed)
    with pytest.raises(Unavailable, match=r"cannot be read: Permission denied \(as the server's user, or as root\)$"):
        State(tmp_path).addresses()


def test_what_is_broken_is_told_without_its_content(tmp_path):
    (tmp_path / "server.json").write_text('{"token": planted')
    with pytest.raises(Unavailable, match=r"server\.json is broken: ") as caught:
        State(tmp_path).addresses()
    assert "planted" not in str(caught.value)
