"""fstab: one write for all volumes, the mode kept, a link followed, systemd told where it runs."""

from __future__ import annotations

import errno
import os

import pytest

from cc_blockstore.machine import fstab
from cc_blockstore.plan.mount import FstabEntry
from tests.unit.fakes import FakeMachine

ONE, TWO = (FstabEntry(v, f"UUID={v}", f"/srv/{v}", "ext4", (f"x-blockstore.volume={v}",)) for v in ("v1", "v2"))


def test_all_volumes_in_one_write_and_one_reload(fake: FakeMachine):
    (fake.root / "run/systemd/system").mkdir(parents=True)
    fake.write("etc/fstab", "# mine\r\n\xff\n").chmod(0o640)
    fake.runner.expect("systemctl", "daemon-reload")
    assert fstab.update(fake.machine, {"v1": [ONE], "v2": [TWO]})
    assert (fake.root / "etc/fstab").read_bytes() == f"# mine\r\n\xff\n{ONE}\n{TWO}\n".encode()
    assert (fake.root / "etc/fstab").stat().st_mode & 0o777 == 0o640
    assert not fstab.update(fake.machine, {"v1": [ONE], "v2": [TWO]})


def test_a_reload_is_waited_for_only_where_a_line_of_ours_goes(fake: FakeMachine):
    (fake.root / "run/systemd/system").mkdir(parents=True)
    for wanted, launched in (({"v1": [ONE]}, 1), ({"v2": [TWO]}, 2), ({"v1": []}, 2)):
        fake.runner.expect("systemctl", "daemon-reload")
        assert fstab.update(fake.machine, wanted)
        assert len(fake.launched) == launched


def test_the_mount_points_of_all_volumes(fake: FakeMachine):
    assert fstab.all_points(fake.machine) == ()
    fake.write("etc/fstab", f"UUID=x / ext4 defaults 0 1\n{ONE}\n{TWO}\n")
    assert fstab.all_points(fake.machine) == ("/srv/v1", "/srv/v2")


def test_bytes_that_are_no_text_stay(fake: FakeMachine):
    fake.write("etc/fstab", b"# caf\xe9\n")
    assert fstab.update(fake.machine, {"v1": [ONE]})
    assert (fake.root / "etc/fstab").read_bytes() == b"# caf\xe9\n" + f"{ONE}\n".encode()


def test_a_link_is_followed_and_nothing_is_made_of_nothing(fake: FakeMachine):
    assert not fstab.update(fake.machine, {"v1": []})
    assert not (fake.root / "etc/fstab").exists()
    fake.write("data/fstab", "# real\n")
    (fake.root / "etc/fstab").symlink_to("../data/fstab")
    fstab.update(fake.machine, {"v1": [ONE]})
    assert (fake.root / "etc/fstab").is_symlink()
    assert fake.read("data/fstab") == f"# real\n{ONE}\n"


def test_a_unit_is_ours_where_systemd_made_it_of_our_line(fake: FakeMachine):
    assert not fstab.loaded(fake.machine, "/srv/a-b", "v1")
    fake.write("run/systemd/generator/srv-a\\x2db.mount", "[Mount]\nOptions=defaults,x-blockstore.volume=v1\n")
    assert fstab.loaded(fake.machine, "/srv/a-b", "v1")
    assert not fstab.loaded(fake.machine, "/srv/a-b", "v")


def test_where_a_volume_was_until_now(fake: FakeMachine):
    fake.write("etc/fstab", f"# x\n{ONE}\n/dev/sdz /srv/a\\040b ext4 x-blockstore.volume=v9 0 0\n")
    assert fstab.points(fake.machine, "v9") == ("/srv/a b",)
    assert fstab.points(fake.machine, "v8") == ()


def test_one_that_is_there_and_cannot_be_read_is_not_replaced(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    """Its lines are somebody's, whatever keeps us from seeing them."""
    path, read = fake.write("etc/fstab", "# mine\nUUID=1 / ext4 defaults 0 1\n"), os.read

    def failing(descriptor: int, length: int) -> bytes:
        if os.readlink(f"/proc/self/fd/{descriptor}") == str(path):
            raise OSError(errno.EIO, "Input/output error")
        return read(descriptor, length)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", failing)
        with pytest.raises(OSError, match="Input/output error"):
            fstab.update(fake.machine, {"v1": [ONE]})
    assert path.read_text() == "# mine\nUUID=1 / ext4 defaults 0 1\n"
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        fstab.update(fake.machine, {"v1": [ONE]})


def test_a_link_to_nothing_is_an_empty_one(fake: FakeMachine):
    (fake.root / "data").mkdir()
    (fake.root / "etc/fstab").symlink_to("../data/fstab")
    assert fstab.update(fake.machine, {"v1": [ONE]})
    assert fake.read("data/fstab") == f"{ONE}\n"
