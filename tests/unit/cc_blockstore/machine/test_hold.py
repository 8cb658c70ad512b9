"""A disk is kept from udev while it is changed: who is first, who waits, and what udev is told of again."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blockstore.errors import DeadlineExceeded
from blockstore.size import MIB
from blockstore.waiting import Deadline
from cc_blockstore.machine import hold, lock
from cc_blockstore.machine.hold import Hold
from tests.unit.fakes import FakeMachine


@pytest.fixture
def disk(fake: FakeMachine) -> Path:
    fake.disk("sda", MIB)
    return fake.root / "dev/sda"


@contextmanager
def others(disk: Path, how: int) -> Iterator[None]:
    """Somebody else has the lock in this way."""
    descriptor = os.open(disk, os.O_RDONLY)
    fcntl.flock(descriptor, how)
    yield
    os.close(descriptor)


def deadline(fake: FakeMachine) -> Deadline:
    return Deadline.after(1, fake.clock)


def free(disk: Path) -> bool:
    with disk.open() as other:
        return bool(lock.taken(other.fileno()))


def test_the_disk_is_held_from_the_begin_until_the_end_of_the_block(fake: FakeMachine, disk: Path):
    held = Hold(fake.machine, "/dev/sda")
    assert not free(disk)
    with held:
        held.wait(deadline(fake))
        assert not free(disk)
    assert free(disk)
    held.end()


@pytest.mark.parametrize(("refusals", "comes"), [(3, True), (10_000, False)])
def test_one_that_is_shown_before_it_can_be_opened_is_waited_for_a_moment(
    fake: FakeMachine, disk: Path, monkeypatch: pytest.MonkeyPatch, refusals: int, comes: bool
):
    """The kernel answers ENXIO for that moment, and of a disk that is offline always."""
    real, asked = os.open, []

    def opened(path: str, *words: int) -> int:
        asked.append(path)
        if len(asked) <= refusals:
            raise OSError(errno.ENXIO, "No such device or address")
        return real(path, *words)

    monkeypatch.setattr(hold.os, "open", opened)
    if comes:
        Hold(fake.machine, "/dev/sda").end()
    else:
        with pytest.raises(DeadlineExceeded, match="waited 5 s for the kernel to let /dev/sda be opened"):
            Hold(fake.machine, "/dev/sda")


def test_one_that_udev_has_not_seen_will_be_seen_with_all_that_is_made(fake: FakeMachine, disk: Path):
    with Hold(fake.machine, "/dev/sda") as held:
        assert held.first
    fake.udev("sda")
    with Hold(fake.machine, "/dev/sda") as held:
        assert not held.first


def test_while_udev_looks_at_it_other_writers_are_kept_away(fake: FakeMachine, disk: Path):
    with others(disk, fcntl.LOCK_SH), Hold(fake.machine, "/dev/sda") as held:
        assert (held.shared, held.first) == (True, False)
        with pytest.raises(DeadlineExceeded, match="udev to be done with /dev/sda"):
            held.wait(deadline(fake))
    with Hold(fake.machine, "/dev/sda") as held:
        assert not held.shared


def test_one_that_somebody_has_for_himself_is_not_shared(fake: FakeMachine, disk: Path):
    with others(disk, fcntl.LOCK_EX), Hold(fake.machine, "/dev/sda") as held:
        assert not held.shared
        with pytest.raises(DeadlineExceeded):
            held.wait(deadline(fake))


@pytest.mark.parametrize(("seconds", "told"), [(hold.PATIENCE - 1, "\n"), (hold.PATIENCE + 1, "change\n")])
def test_of_one_that_was_held_for_long_udev_is_told_again(fake: FakeMachine, disk: Path, seconds, told):
    """udev drops an event that it had to put off for three minutes."""
    fake.partition("sda", 1, 1 << 19, 1 << 18)
    with Hold(fake.machine, "/dev/sda"):
        fake.clock.sleep(seconds)
    assert {fake.read(f"sys/class/block/{name}/uevent") for name in ("sda", "sda/sda1")} == {told}
