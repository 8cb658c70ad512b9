import asyncio
import errno

import pytest

from metadata_server import keeper
from metadata_server.domain.errors import Unavailable
from metadata_server.keeper import Keeper, Mender


class Loop:
    """Notes the pauses, and calls at once."""

    def __init__(self):
        self.pauses = []
        self.next = None

    def call_later(self, pause, call):
        self.pauses.append(pause)
        self.next = call
        return self

    def time(self):
        return 0.0

    def add_reader(self, descriptor, died):
        self.watched = descriptor

    def cancel(self):
        self.next = None


@pytest.fixture
def loop(monkeypatch):
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def looks(loop, *answers):
    left = list(answers)

    def mend():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    mender = Mender(mend)
    mender.begin()
    while left:
        loop.next()
    return mender


def test_what_cannot_be_done_is_asked_for_less_and_less_often(loop):
    looks(loop, *[True] * 6)
    assert loop.pauses == [2, 4, 8, 16, 30, 30, 30]


def test_an_error_is_a_reason_to_look_again_and_success_to_be_quick_next_time(loop):
    looks(loop, Unavailable("no"), True, False, False)
    assert loop.pauses == [2, 4, 8, 2, 2]
    assert keeper.FIRST_LOOK == 2


def test_a_fault_of_ours_does_not_end_it_either(loop):
    with pytest.raises(ZeroDivisionError):
        looks(loop, ZeroDivisionError())
    assert loop.pauses == [2, 4]


def test_in_the_end_nobody_looks(loop):
    looks(loop, False).end()
    assert loop.next is None


class Watched:
    """A target whose daemon can be watched once these were raised."""

    def __init__(self, *faults):
        self.faults = list(faults)

    def watch(self):
        if self.faults:
            raise self.faults.pop(0)
        return 7


NO_DESCRIPTOR = OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize("fault", [Unavailable("no tgtd"), NO_DESCRIPTOR, ZeroDivisionError()])
def test_whatever_keeps_the_daemon_from_starting_it_is_tried_again(loop, caplog, fault):
    faults = [fault, fault]

    def restore():
        if faults:
            raise faults.pop()

    kept = Keeper(Watched(fault), restore)
    kept.restart()
    while not kept.alive:
        loop.next()
    assert loop.pauses == [0, 0.25, 0.5]
    assert loop.watched == 7
    assert len(caplog.messages) == 3
    assert "does not start: " in caplog.text
