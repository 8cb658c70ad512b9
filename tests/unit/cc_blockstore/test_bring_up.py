"""Volumes side by side: none waits for another one, and what is wrong with one is that one's."""

from __future__ import annotations

from typing import Any

import pytest

from blockstore.attachment import Status, Volume
from tests.unit.cc_blockstore.test_bootstrap import FAILED_BATCH, LOGIN, PASSWORD, PATHS, Guest, attachment, results
from tests.unit.fakes import FakeMachine


@pytest.fixture
def guest(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Guest:
    """No volume is known yet."""
    return Guest(fake, monkeypatch)


@pytest.mark.parametrize("required", [False, True])
def test_two_that_fail_do_not_hold_up_the_third(guest: Guest, required):
    guest.service.listed = [attachment("v1"), attachment("v2"), attachment("v3")]
    guest.wishes = {"v2": {"filesystem": "none", "partition_table": "none", "required": required}}
    guest.fake.runner.expect(*LOGIN, code=24, stderr=FAILED_BATCH, then=guest.logs_in("v3"))
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "failed", "v3": "ok"}
    assert guest.fake.runner.programs == ["iscsiadm"]
    assert "name-v1: authentication refused by 10.0.0.1:3260" in verdict.warning
    told = verdict.error if required else verdict.warning
    assert "name-v2: no answer from 10.0.0.1:3260" in told
    assert bool(verdict.error) is required
    assert "complete a-v3" in guest.service.asked
    assert "complete a-v1" not in guest.service.asked


def test_a_dead_portal_costs_the_deadline_and_no_more(guest: Guest):
    guest.service.listed = [attachment("v1")]
    guest.fake.runner.expect(*LOGIN, then=lambda command: guest.fake.session(PATHS["v1"], state="FAILED") and None)
    begun = guest.fake.clock.now
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed"}
    assert 55 < guest.fake.clock.now - begun < 65


def test_a_bug_in_one_volume_costs_that_one_and_says_nothing_of_what_it_quotes(guest: Guest, monkeypatch):
    """Whatever is raised: the others come up, and the text of an error that nobody foresaw may hold anything."""
    guest.known("v1")
    guest.known("v2", number=2)
    guest.service.listed = [attachment("v1", Status.ATTACHED), attachment("v2", Status.ATTACHED)]

    def settle(machine: Any, volume: Volume, node: str, deadline: Any) -> None:
        if volume.id == "v1":
            raise ValueError(PASSWORD)

    monkeypatch.setattr("cc_blockstore.machine.device.settle", settle)
    verdict = guest.run()
    assert results(verdict) == {"v1": "failed", "v2": "ok"}
    assert "name-v1: unexpected ValueError" in verdict.warning
    assert PASSWORD not in repr(verdict)


def test_where_fstab_cannot_be_written_the_volumes_are_up_and_it_is_told(guest: Guest, monkeypatch):
    def update(*_: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cc_blockstore.machine.fstab.update", update)
    guest.known("v1")
    guest.service.listed = [attachment("v1", Status.ATTACHED)]
    verdict = guest.run()
    assert results(verdict) == {"v1": "ok"}
    assert "fstab: [Errno 28] No space left on device" in verdict.warning
