"""Who uses a device, or a partition of it."""

from __future__ import annotations

from cc_blockstore.machine.usage import used_by
from tests.unit.fakes import FakeMachine


def test_nobody(fake: FakeMachine):
    fake.disk("sda")
    assert used_by(fake.machine, "/dev/sda") == ""


def test_a_mount_swap_and_a_holder_of_a_partition_count_for_the_disk(fake: FakeMachine):
    for disk in ("sda", "sdb", "sdc"):
        fake.disk(disk)
        fake.partition(disk, 1, 1 << 20, 1 << 20)
    fake.mounted("/dev/sda1", "/srv")
    fake.swapped_on("/dev/sdb1")
    (fake.root / "sys/class/block/sdc/sdc1/holders/dm-0").mkdir(parents=True)
    assert used_by(fake.machine, "/dev/sda") == "the mount /srv (/dev/sda1)"
    assert used_by(fake.machine, "/dev/sdb") == "swap (/dev/sdb1)"
    assert used_by(fake.machine, "/dev/sdc") == "dm-0 (which holds /dev/sdc1)"
