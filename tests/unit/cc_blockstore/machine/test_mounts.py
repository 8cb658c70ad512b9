"""What is mounted and what is swap, as the kernel says it."""

from __future__ import annotations

from cc_blockstore.machine.mounts import mounts, swaps
from tests.unit.fakes import FakeMachine


def test_mountinfo(fake: FakeMachine):
    folder = fake.disk("sda")
    fake.mounted("/dev/disk/by-uuid/x", "/srv/my data", number=(folder / "dev").read_text().strip())
    fake.mounted("/dev/sdb", "/srv/b", "btrfs")
    found = mounts(fake.machine)
    assert [(each.device, each.point, each.type) for each in found] == [
        ("/dev/vda1", "/", "ext4"), ("/dev/sda", "/srv/my data", "ext4"), ("/dev/sdb", "/srv/b", "btrfs"),
    ]  # fmt: skip


def test_swaps(fake: FakeMachine):
    assert swaps(fake.machine) == ()
    fake.swapped_on("/dev/sda2")
    assert swaps(fake.machine) == ("/dev/sda2",)
