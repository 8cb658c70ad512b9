"""The seal: whose it is, and what is never sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cc_blockstore import seal
from tests.unit.cc_blockstore.sealed import CFG, Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    made = Instance(tmp_path)
    made.seal()
    return made


def test_it_fits_what_it_was_made_of(instance: Instance) -> None:
    found = seal.read(instance.root)
    assert found
    assert seal.fits(found, instance.root, "i-1", seal.inputs(CFG, {}, instance.root))


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


def test_what_no_digest_can_be_made_of_is_never_sealed() -> None:
    with pytest.raises(TypeError):
        seal.inputs({"blockstore": {"deadline": object()}}, {}, Path("/nonexistent"))
