"""The initiator name: written 0600, read back, left alone where the root file system hangs on it."""

from __future__ import annotations

import pytest

from cc_blockstore.machine.initiator import read_name, root_on_iscsi, write_name
from tests.unit.fakes import FakeMachine

NAME = "iqn.2018-12.com.leftasexercise:web-1"


def test_written_and_read_back(fake: FakeMachine):
    assert read_name(fake.root) == ""
    assert write_name(NAME, fake.root)
    assert not write_name(NAME, fake.root)
    assert read_name(fake.root) == NAME
    assert (fake.root / "etc/iscsi/initiatorname.iscsi").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("file", "text", "alone"), [
    ("run/initramfs/open-iscsi.interface", "", True), ("etc/iscsi/iscsi.initramfs", "", True),
    ("sys/firmware/ibft/target0/flags", "3\n", True), ("sys/firmware/ibft/target0/flags", "1\n", False), ("etc/x", "", False),
])  # fmt: skip
def test_left_alone_where_root_is_on_iscsi(fake: FakeMachine, file, text, alone):
    fake.write(file, text)
    assert root_on_iscsi(fake.root) is alone
    assert write_name(NAME, fake.root) is not alone
