import subprocess

import pytest

from testbed import cpio
from testbed.initrd import BUSYBOX, File, injection


def listing(archive: bytes, folder) -> list[str]:
    subprocess.run([BUSYBOX, "cpio", "-i", "-d"], input=archive, cwd=folder, check=True, capture_output=True)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def test_an_archive_unpacks_with_modes_and_contents(tmp_path):
    entries = [cpio.directory("d"), cpio.file("d/run", b"#!x", 0o755), cpio.link("d/link", "run")]
    assert listing(cpio.archive(entries), tmp_path) == ["d/link", "d/run"]
    assert (tmp_path / "d/link").read_bytes() == b"#!x"
    assert (tmp_path / "d/run").stat().st_mode & 0o777 == 0o755


def test_archives_fill_whole_blocks_so_that_they_may_follow_one_another():
    assert len(cpio.archive([cpio.file("a", b"1")])) % 512 == 0


def test_injected_files_go_below_overlay(tmp_path):
    archive = injection({"/etc/a/b": b"1", "/etc/a/c": File(b"2", 0o600)})
    assert listing(archive, tmp_path) == ["overlay/etc/a/b", "overlay/etc/a/c"]
    assert (tmp_path / "overlay/etc/a/c").stat().st_mode & 0o777 == 0o600


def test_nothing_to_inject_is_no_archive():
    assert injection({}) == b""


@pytest.mark.parametrize("path", ["etc/a", "/etc/../a"])
def test_a_path_must_be_absolute_and_plain(path):
    with pytest.raises(ValueError, match="absolute"):
        injection({path: b""})


def test_parents_are_outermost_first():
    assert cpio.parents("a/b/c") == ["a", "a/b"]
