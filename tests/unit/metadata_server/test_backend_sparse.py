"""Sparse files: whole or not at all, holes stay holes, and everything may be asked twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from metadata_server.backends import sharing
from metadata_server.backends.protocol import Found
from metadata_server.backends.sparse import SparseFiles
from metadata_server.domain.errors import Unavailable

MIB = 1 << 20


@pytest.fixture
def steps() -> list[str]:
    return []


@pytest.fixture
def backend(tmp_path: Path, steps: list[str]) -> SparseFiles:
    made = SparseFiles(tmp_path / "volumes", steps.append)
    made.check()
    return made


def write(backend: SparseFiles, volume: str, data: bytes, at: int = 0) -> None:
    with open(backend.path(volume), "r+b") as file:
        file.seek(at)
        file.write(data)


def read(backend: SparseFiles, volume: str, count: int, at: int = 0) -> bytes:
    with open(backend.path(volume), "rb") as file:
        file.seek(at)
        return file.read(count)


def names(backend: SparseFiles) -> set[str]:
    return set(os.listdir(Path(backend.path("x")).parent))


def test_a_volume_is_zeros_its_owners_alone_and_never_made_anew(backend: SparseFiles) -> None:
    backend.create("v", MIB)
    assert os.stat(backend.path("v")).st_mode & 0o777 == 0o600
    assert read(backend, "v", MIB) == bytes(MIB)
    write(backend, "v", b"data")
    backend.create("v", MIB)
    assert read(backend, "v", 4) == b"data"


def test_a_volume_that_cannot_be_made_leaves_nothing(backend: SparseFiles) -> None:
    too_large = 1 << 62
    with pytest.raises(Unavailable, match="too large"):
        backend.create("v", too_large)
    assert names(backend) == set()
    backend.create("v", MIB)
    write(backend, "v", b"data")
    with pytest.raises(Unavailable, match="too large"):
        backend.create("v", too_large)
    assert read(backend, "v", 4) == b"data"


def test_it_grows_and_never_shrinks(backend: SparseFiles) -> None:
    backend.create("v", 2 * MIB)
    backend.extend("v", 3 * MIB)
    backend.extend("v", MIB)
    assert os.stat(backend.path("v")).st_size == 3 * MIB


def test_a_snapshot_keeps_what_was_and_gives_it_back(backend: SparseFiles) -> None:
    backend.create("v", 4 * MIB)
    write(backend, "v", b"before", MIB)
    backend.snapshot("s", "v")
    write(backend, "v", b"after!", MIB)
    backend.snapshot("s", "v")  # again: it is there
    backend.create_from_snapshot("c", "s", 8 * MIB)
    assert read(backend, "c", 6, MIB) == b"before"
    assert os.stat(backend.path("c")).st_size == 8 * MIB
    backend.extend("v", 5 * MIB)
    backend.revert("v", "s", 5 * MIB)
    assert (read(backend, "v", 6, MIB), os.stat(backend.path("v")).st_size) == (b"before", 5 * MIB)
    assert backend.found() == Found(frozenset({"v", "c"}), frozenset({"s"}))
    backend.delete_snapshot("s")
    backend.delete_snapshot("s")
    assert read(backend, "c", 6, MIB) == b"before"
    assert backend.found() == Found(frozenset({"v", "c"}), frozenset())


def test_a_clone_is_independent_and_has_the_holes(backend: SparseFiles) -> None:
    backend.create("v", 64 * MIB)
    write(backend, "v", b"x" * 4096, 32 * MIB)
    backend.create_from_volume("c", "v", 64 * MIB)
    write(backend, "v", b"y", 32 * MIB)
    assert read(backend, "c", 2, 32 * MIB) == b"xx"
    assert os.stat(backend.path("c")).st_blocks * 512 < MIB


def test_deleting_is_for_ever_and_twice(backend: SparseFiles) -> None:
    backend.create("v", MIB)
    backend.delete("v")
    backend.delete("v")
    assert names(backend) == set()


@pytest.mark.parametrize("step", ["backend: copy", "backend: show the copy"])
def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, step: str) -> None:
    def observe(name: str) -> None:
        if name == step:
            raise OSError(28, "No space left on device")

    backend = SparseFiles(tmp_path, observe)
    backend.check()
    backend.create("v", MIB)
    with pytest.raises(Unavailable, match="No space left on device"):
        backend.create_from_volume("c", "v", MIB)
    assert names(backend) == {"v"}


def test_what_a_kill_left_is_swept_but_not_what_another_one_makes(tmp_path: Path) -> None:
    backend = SparseFiles(tmp_path, lambda _: None)
    (tmp_path / ".dead.part").write_text("half")
    with (tmp_path / ".live.part").open("w") as live:
        fcntl.flock(live, fcntl.LOCK_EX)
        backend.check()
        assert names(backend) == {".live.part"}
        (tmp_path / "live").write_text("source")
        with pytest.raises(Unavailable, match="temporarily"):
            backend.revert("live", "live", 0)
    assert backend.found().volumes == {"live"}


def test_a_source_that_is_not_there_is_said(backend: SparseFiles) -> None:
    with pytest.raises(Unavailable, match="snapshot-s to c: No such file"):
        backend.create_from_snapshot("c", "s", MIB)
    assert names(backend) == set()


def test_every_stretch_of_data_is_copied(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    with source.open("wb") as file:
        for at in (0, 5 * MIB, 17 * MIB):
            file.seek(at)
            file.write(os.urandom(70000))
        file.truncate(20 * MIB)
    with source.open("rb") as file, target.open("wb") as copy:
        sharing._copy_data(file.fileno(), copy.fileno())
    assert source.read_bytes() == target.read_bytes()
    assert target.stat().st_blocks * 512 < MIB


def test_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="folder of volumes"):
        SparseFiles(tmp_path / "file" / "volumes", lambda _: None).check()
