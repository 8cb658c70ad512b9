"""mount(2) instead of mount(8): the flags and the data, and every option that leaves it to the program."""

from __future__ import annotations

import pytest

from cc_blockstore.plan.mount_call import MountCall, mount_call


@pytest.mark.parametrize(
    ("options", "flags", "data"),
    [
        ("_netdev", 0, ""),
        ("defaults,_netdev,nofail,x-blockstore.volume=v1,x-systemd.device-timeout=60", 0, ""),
        ("noatime,nodev,nosuid,noexec,_netdev", 1024 | 4 | 2 | 8, ""),
        ("ro,noload,_netdev", 1, "noload"),
        ("ro,norecovery,nouuid,_netdev", 1, "norecovery,nouuid"),
        ("discard,lazytime", 1 << 25, "discard"),
    ],
)
def test_the_call(options: str, flags: int, data: str):
    found = mount_call("/dev/sda1", "/srv/a", "ext4", options.split(","))
    assert found == MountCall("/dev/sda1", "/srv/a", "ext4", flags, data)


OTHERS = (
    "user", "users", "owner", "group", "loop", "offset=1", "bind", "remount", "rshared", "uid=1", "context=x", "X-mount.mkdir",
    "X-mount.owner=a", "x", "verity.roothash=0", "helper=a", "uhelper=a", "errors=remount-ro", "subvol=a", "device=/dev/sdb", "",
    "RO", "ro=vfs", "noatime,",
)  # fmt: skip


@pytest.mark.parametrize("option", OTHERS)
def test_what_may_mean_more_is_left_to_the_program(option: str):
    assert mount_call("/dev/sda1", "/srv/a", "ext4", [*option.split(","), "_netdev"]) is None
