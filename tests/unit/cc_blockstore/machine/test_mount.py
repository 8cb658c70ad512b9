"""Mounting and unmounting: the very command, the race with systemd, owner and mode, who keeps it busy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from blockstore.errors import BlockstoreError, CommandFailed, Refused
from blockstore.waiting import Deadline
from cc_blockstore.machine import mount
from cc_blockstore.wish import FilesystemWish
from tests.unit.fakes import FakeMachine

NODE = "/dev/sda1"


def do(fake: FakeMachine, wish: FilesystemWish, *, read_only: bool = False) -> None:
    mount.do(fake.machine, wish, NODE, "v1", read_only=read_only, deadline=Deadline.after(10, fake.clock))


def test_the_command_has_the_options_and_makes_the_mount_point(fake: FakeMachine, tmp_path: Path):
    point = tmp_path / "srv/my data"
    fake.runner.expect("mount", "-t", "xfs", "-o", "noatime,ro,norecovery,_netdev", NODE, str(point))
    do(fake, FilesystemWish("xfs", mount=str(point), options=("noatime",)), read_only=True)
    assert point.is_dir()


def test_what_systemd_knows_is_started_there(fake: FakeMachine, tmp_path: Path):
    from cc_blockstore.plan.mount import unit_name

    unit = unit_name(str(tmp_path))
    fake.write(f"run/systemd/generator/{unit}", "Options=x-blockstore.volume=v1\n")
    fake.runner.expect("systemctl", "start", unit)
    do(fake, FilesystemWish("ext4", mount=str(tmp_path)))


def test_who_is_second_finds_it_done(fake: FakeMachine, tmp_path: Path):
    command = ("mount", "-t", "ext4", "-o", "_netdev", NODE, str(tmp_path))
    fake.runner.expect(*command, code=32, then=lambda _: fake.mounted(NODE, tmp_path))
    do(fake, FilesystemWish("ext4", mount=str(tmp_path)))
    fake.unmounted(tmp_path)
    fake.runner.expect(*command, code=32)
    with pytest.raises(CommandFailed):
        do(fake, FilesystemWish("ext4", mount=str(tmp_path)))


def test_swap_is_switched_on(fake: FakeMachine):
    fake.runner.expect("swapon", NODE)
    do(fake, FilesystemWish("swap"))


def test_mode_of_the_root_folder_and_nothing_below(tmp_path: Path):
    (tmp_path / "x").mkdir(mode=0o755)
    assert mount.own(FilesystemWish("ext4", mount=str(tmp_path), mode=0o1750))
    assert tmp_path.stat().st_mode & 0o7777 == 0o1750
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o755
    assert not mount.own(FilesystemWish("ext4", mount=str(tmp_path), mode=0o1750))


@pytest.mark.parametrize("owner", ["root", "root:root", "0:0"])
def test_owner(tmp_path: Path, monkeypatch, owner):
    changed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, user, group: changed.append((user, group)))
    monkeypatch.setattr(os, "stat", lambda path: os.stat_result((0o40755, 1, 1, 1, 7, 7, 0, 0, 0, 0)))
    assert mount.own(FilesystemWish("ext4", mount=str(tmp_path), owner=owner))
    assert changed == [(0, 0)]


@pytest.mark.parametrize("owner", ["no-such-user", "root:no-such-group", "4294967294"])
def test_an_owner_that_is_not_here(tmp_path: Path, owner):
    with pytest.raises(BlockstoreError, match="no such user or group here"):
        mount.own(FilesystemWish("ext4", mount=str(tmp_path), owner=owner))


def test_release_goes_from_the_last_mount_to_the_first(fake: FakeMachine):
    fake.mounted(NODE, "/srv/a")
    fake.mounted(NODE, "/srv/a/b")
    fake.swapped_on(NODE)
    for command in (("umount", "/srv/a/b"), ("umount", "/srv/a"), ("swapoff", NODE)):
        fake.runner.expect(*command)
    assert mount.release(fake.machine, [NODE])
    assert [command.argv[1] for command in fake.runner.ran] == ["/srv/a/b", "/srv/a", NODE]
    assert not mount.release(fake.machine, ["/dev/sdz"])


def test_release_goes_from_the_last_mount_to_the_first_of_several_devices(fake: FakeMachine):
    fake.mounted("/dev/sda2", "/srv/a")
    fake.mounted("/dev/sda1", "/srv/a/b")
    for command in (("umount", "/srv/a/b"), ("umount", "/srv/a")):
        fake.runner.expect(*command)
    assert mount.release(fake.machine, ["/dev/sda1", "/dev/sda2"])
    assert [command.argv[1] for command in fake.runner.ran] == ["/srv/a/b", "/srv/a"]


def test_a_busy_one_is_refused_and_never_forced(fake: FakeMachine):
    fake.mounted(NODE, "/no/such/point")
    fake.runner.expect("umount", "/no/such/point", code=32, stderr="umount: target is busy.")
    with pytest.raises(Refused, match=r"refusing to unmount /no/such/point: .*target is busy"):
        mount.release(fake.machine, [NODE])


def test_what_systemd_has_mounted_meanwhile_is_not_unmounted(fake: FakeMachine, tmp_path: Path):
    """Only the places where it was before are left; the wished one may have been filled since this was decided."""
    (tmp_path / "new").mkdir()
    fake.mounted(NODE, "/srv/old")
    fake.mounted(NODE, tmp_path / "new")
    fake.runner.expect("umount", "/srv/old")
    fake.runner.expect("mount", "-t", "ext4", "-o", "_netdev", NODE, str(tmp_path / "new"), code=32)
    do(fake, FilesystemWish("ext4", mount=str(tmp_path / "new")))
