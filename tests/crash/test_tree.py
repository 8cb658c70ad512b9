"""The instance's own files after a power cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cc_blockstore.machine import files
from tests.crash.tree import Watcher, dump, load, look, restore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/var/lib").mkdir(parents=True)
    (tmp_path / "root/run").mkdir()
    (tmp_path / "root/etc/fstab").write_text("theirs\n")
    return tmp_path / "root"


class Watched:
    """A watcher, and what it told last: the files as they are, and at worst."""

    def __init__(self, root: Path, store: Path) -> None:
        store.mkdir()
        self._watcher, self._store, self.root = Watcher(root, store), store, root
        self.look()

    def look(self) -> None:
        for mark in self._watcher.look():
            self.now, self.worst = (load((self._store / "trees" / number).read_text()) for number in mark.text.split())

    def synced(self, path: Path) -> None:
        self.look()
        self._watcher.synced(str(path.relative_to(self.root)))
        self.look()


@pytest.fixture
def watched(root: Path, tmp_path: Path) -> Watched:
    return Watched(root, tmp_path / "store")


def test_a_file_whose_folder_was_not_synced_may_be_missing(watched: Watched) -> None:
    file = watched.root / "var/lib/mark"
    file.write_text("making\n")
    watched.synced(file)
    assert "var/lib/mark" in watched.now
    assert "var/lib/mark" not in watched.worst
    watched.synced(file.parent)
    assert watched.worst["var/lib/mark"].text == "making\n"


def test_a_file_that_was_not_synced_itself_may_be_empty(watched: Watched) -> None:
    file = watched.root / "var/lib/mark"
    file.write_text("making\n")
    watched.synced(file.parent)
    assert (watched.now["var/lib/mark"].text, watched.worst["var/lib/mark"].text) == ("making\n", "")


def test_a_removed_file_comes_back_until_its_folder_is_synced(watched: Watched) -> None:
    (watched.root / "etc/fstab").unlink()
    watched.look()
    assert ("etc/fstab" in watched.now, "etc/fstab" in watched.worst) == (False, True)
    watched.synced(watched.root / "etc")
    assert "etc/fstab" not in watched.worst


def test_our_own_way_to_write_and_to_remove_is_durable(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        watched.synced(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    monkeypatch.setattr(os, "fsync", fsync)
    files.write(watched.root / "var/lib/blockstore/making/a", "text\n")
    assert watched.worst["var/lib/blockstore/making/a"].text == "text\n"
    files.remove(watched.root / "var/lib/blockstore/making/a")
    assert "var/lib/blockstore/making/a" not in watched.worst


def test_files_are_restored_as_they_were(root: Path, tmp_path: Path) -> None:
    (root / "etc/link").symlink_to("fstab")
    (root / "etc/fstab").chmod(0o640)
    (root / "var/lib/bytes").write_bytes(bytes(range(256)))
    (root / "run/gone").touch()
    tree = look(root)
    restore(load(dump(tree)), tmp_path / "other")
    assert look(tmp_path / "other") == tree
    assert list((tmp_path / "other/run").iterdir()) == []
