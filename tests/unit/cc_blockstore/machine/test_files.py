"""Files are replaced whole, with their mode, byte for byte; what cannot be read is nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from cc_blockstore.machine import files

ODD = "a\r\nb\x0cc\udcff\u2028d\n"


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_is_written_with_its_mode(tmp_path, mode):
    file = tmp_path / "new/folder/file"
    assert files.write(file, "text", mode)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("text", mode)
    assert [path.name for path in file.parent.iterdir()] == ["file"]


def test_the_same_again_is_no_change_but_a_wrong_mode_is(tmp_path):
    file = tmp_path / "file"
    files.write(file, "text")
    assert not files.write(file, "text")
    file.chmod(0o644)
    assert files.write(file, "text")
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_read_is_written_back_byte_for_byte(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"a\r\nb\x0cc\xff\xe2\x80\xa8d\n")
    assert files.read_exact(file) == ODD
    files.write(tmp_path / "copy", ODD)
    assert (tmp_path / "copy").read_bytes() == file.read_bytes()


def test_what_cannot_be_read_is_nothing(tmp_path):
    assert files.read(tmp_path / "none") == files.read(tmp_path) == ""
    assert files.read_exact(tmp_path / "none") is None
    (tmp_path / "x").write_bytes(b"\xff\n")
    assert files.read(tmp_path / "x") == "\ufffd"


def test_remove(tmp_path):
    (tmp_path / "x").write_text("")
    assert files.remove(tmp_path / "x")
    assert not files.remove(tmp_path / "x")


@pytest.mark.parametrize(("way", "flushes"), [(files.write, 2), (files.put, 0)], ids=["write", "put"])
def test_put_leaves_the_flush_to_its_caller(way: files.Writer, flushes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    assert way(tmp_path / "file", "text", 0o640)
    assert not way(tmp_path / "file", "text", 0o640)
    assert ((tmp_path / "file").read_text(), (tmp_path / "file").stat().st_mode & 0o7777) == ("text", 0o640)
    assert len(flushed) == flushes


def test_what_a_run_that_was_ended_left_is_replaced(tmp_path: Path):
    left = tmp_path / f".file.{threading.get_native_id()}"
    left.write_text("half of a secr")
    left.chmod(0o644)
    assert files.write(tmp_path / "file", "text")
    (only,) = tmp_path.iterdir()
    assert (only.name, only.read_text(), only.stat().st_mode & 0o777) == ("file", "text", 0o600)


def test_no_pipe_is_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    assert files.read_exact(tmp_path / "pipe") == ""


def test_what_the_kernel_is_told_is_one_line(tmp_path: Path):
    (tmp_path / "weight").write_text("10000\n")
    files.tell(tmp_path / "weight", "100")
    assert (tmp_path / "weight").read_text() == "100\n"
    with pytest.raises(FileNotFoundError):
        files.tell(tmp_path / "gone", "1")


@pytest.mark.parametrize("where", ["fchmod", "open"])
def test_of_a_disk_that_is_full_it_says_which_file_was_to_be_written(tmp_path: Path, monkeypatch, where):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "x").write_text("old")
    monkeypatch.setattr(files.os, where, full)
    with pytest.raises(OSError, match=r"No space left") as raised:
        files.put(tmp_path / "x", "new")
    monkeypatch.undo()
    assert str(raised.value) == f"[Errno 28] No space left on device: '{tmp_path / 'x'}'"
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("x", "old")]
