"""The seal: whose it is, and what is never sealed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cc_blockstore import seal
from tests.unit.cc_blockstore.sealed import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance(tmp_path)
    made.seal()
    return made


def test_the_seal_is_root_s_alone(instance: Instance) -> None:
    assert instance.sealed.stat().st_mode & 0o777 == 0o600


def test_what_happened_between_the_last_look_and_the_seal_breaks_it(instance: Instance) -> None:
    for name, content in (
        ("sys/class/iscsi_session/session1/state", "FAILED\n"),
        ("proc/self/mountinfo", f"40 22 8:9 / {instance.point} rw - ext4 /dev/sdz rw\n"),
    ):
        before = (instance.root / name).read_bytes()
        instance.seal()
        assert instance.sealed.exists()
        instance.write(name, content)
        instance.seal()
        assert not instance.sealed.exists()
        instance.write(name, before)


def test_a_disk_of_no_session_is_never_sealed(instance: Instance) -> None:
    (instance.root / "sys/class/block/sda").unlink()
    (instance.root / "sys/class/block/sda").symlink_to("../../devices/virtual/block/sda")
    instance.seal()
    assert not instance.sealed.exists()


def test_what_was_begun_by_a_run_that_was_ended_is_in_nobody_s_way(instance: Instance) -> None:
    instance.sealed.with_name(".new").symlink_to(instance.root / "etc/fstab")
    instance.seal()
    assert instance.sealed.exists()
    assert not instance.sealed.with_name(".new").is_symlink()
    assert (instance.root / "etc/fstab").read_text() == "# ours\n"


def test_without_volumes_nothing_of_a_disk_is_in_it(instance: Instance) -> None:
    seal.write(instance.root, "i-1", "digest", {}, [], {**instance.report, "volumes": []})
    found = json.loads(instance.sealed.read_text())
    assert {*found} == {
        *("version", "instance_id", "inputs", "initiator", "remembered"), *("service", "attachments", "told"),
    }  # fmt: skip
