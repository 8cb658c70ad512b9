"""mount(2) without the program: never where there is a helper, and a refusal of the kernel is no end."""

from __future__ import annotations

from pathlib import Path

import pytest

from blockstore.waiting import Deadline
from cc_blockstore.machine import mount, mount_call
from cc_blockstore.plan.mount_call import MountCall
from cc_blockstore.wish import FilesystemWish
from tests.unit.fakes import FakeMachine


def test_a_helper_has_the_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mount.ext4").touch()
    monkeypatch.setattr(mount_call, "HELPERS", (str(tmp_path),))
    assert not mount_call.by_kernel(MountCall("/no-such-device", str(tmp_path), "ext4", 0, ""))


def test_what_the_kernel_refuses_is_not_mounted(tmp_path: Path):
    assert not mount_call.by_kernel(MountCall("/no-such-device", str(tmp_path), "ext4", 0, ""))


def test_no_process_where_the_kernel_did_it(fake: FakeMachine, tmp_path: Path):
    asked: list[MountCall] = []
    fake.kernel_mounts = lambda call: asked.append(call) or True  # type: ignore[func-returns-value]
    wish = FilesystemWish("ext4", mount=str(tmp_path), options=("noatime",))
    mount.do(fake.machine, wish, "/dev/sda1", "v1", read_only=True, deadline=Deadline.after(10, fake.clock))
    assert asked == [MountCall("/dev/sda1", str(tmp_path), "ext4", 1024 | 1, "noload")]
    assert fake.runner.ran == []


def test_an_option_that_means_more_is_the_programs(fake: FakeMachine, tmp_path: Path):
    fake.kernel_mounts = lambda call: pytest.fail(f"asked for {call}")
    fake.runner.expect("mount", "-t", "ext4", "-o", "errors=continue,_netdev", "/dev/sda1", str(tmp_path))
    wish = FilesystemWish("ext4", mount=str(tmp_path), options=("errors=continue",))
    mount.do(fake.machine, wish, "/dev/sda1", "v1", read_only=False, deadline=Deadline.after(10, fake.clock))
