"""Who uses a device, or a partition of it."""

from __future__ import annotations

import errno
import os

import pytest

from cc_blockstore.machine.usage import claimed, held_by, used_by
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
    assert held_by(fake.machine, "/dev/sdc") == "dm-0 (which holds /dev/sdc1)"
    assert [held_by(fake.machine, disk) for disk in ("/dev/sda", "/dev/sdb")] == ["", ""]


def test_who_has_it_for_themselves(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    fake.disk("sda")
    assert not claimed(fake.machine, "/dev/sda")

    def busy(path: object, flags: int) -> int:
        raise OSError(code, "no")

    monkeypatch.setattr(os, "open", busy)
    code = errno.EBUSY
    assert claimed(fake.machine, "/dev/sda")
    code = errno.ENXIO
    with pytest.raises(OSError, match="no"):
        claimed(fake.machine, "/dev/sda")
