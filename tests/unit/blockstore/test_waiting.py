"""Waiting: until it is there, at most until the deadline, and then with what was last seen."""

from __future__ import annotations

import time

import pytest

from blockstore.errors import DeadlineExceeded
from blockstore.waiting import CLOCK, Deadline, wait_for
from tests.unit.fakes import FakeClock


def test_what_is_there_already_costs_no_sleep(clock: FakeClock):
    assert wait_for("it", lambda: "found", Deadline.after(0, clock)) == "found"
    assert clock.slept == []


def test_a_false_value_is_found_too_only_none_is_not(clock: FakeClock):
    assert wait_for("it", lambda: 0, Deadline.after(1, clock)) == 0


def test_it_looks_again_with_pauses_that_grow_to_a_limit(clock: FakeClock):
    looks = iter([None] * 20 + ["found"])
    assert wait_for("it", lambda: next(looks), Deadline.after(60, clock)) == "found"
    assert clock.slept[0] == 0.002
    assert clock.slept == sorted(clock.slept)
    assert clock.slept[-1] == 0.05


def test_where_there_is_an_event_it_is_waited_for_and_looked_at_beside_that(clock: FakeClock):
    looks, dozed = iter([None, None, "found"]), list[float]()
    assert wait_for("it", lambda: next(looks), Deadline.after(60, clock), doze=dozed.append) == "found"
    assert (dozed, clock.slept) == ([0.5, 0.5], [])


def test_no_doze_is_longer_than_the_deadline(clock: FakeClock):
    dozed = list[float]()

    def doze(seconds: float) -> None:
        dozed.append(seconds)
        clock.sleep(seconds)

    with pytest.raises(DeadlineExceeded):
        wait_for("it", lambda: None, Deadline.after(1.1, clock), doze=doze)
    assert dozed == [0.5, 0.5, pytest.approx(0.1)]


def test_the_deadline_ends_it_and_says_what_was_seen_last(clock: FakeClock):
    begun = clock.monotonic()
    seen = []

    def look() -> None:
        seen.append(clock.monotonic())

    with pytest.raises(DeadlineExceeded, match="waited 5 s for the disk, last saw state FAILED"):
        wait_for("the disk", look, Deadline.after(5, clock), describe=lambda: "state FAILED")
    assert clock.monotonic() - begun == pytest.approx(5)
    assert seen[-1] == pytest.approx(begun + 5), "one last look when the time is up"


def test_a_deadline_that_has_passed_still_allows_one_look(clock: FakeClock):
    deadline = Deadline.after(-3, clock)
    assert deadline.passed()
    assert deadline.remaining() == 0
    with pytest.raises(DeadlineExceeded, match="the deadline had passed before it"):
        wait_for("it", lambda: None, deadline)
    assert clock.slept == []


def test_remaining_counts_down(clock: FakeClock):
    deadline = Deadline.after(10, clock)
    clock.sleep(4)
    assert deadline.remaining() == 6
    assert not deadline.passed()


def test_the_machine_s_clock_is_the_monotonic_one():
    before = time.monotonic()
    CLOCK.sleep(0.001)
    assert before < CLOCK.monotonic() <= time.monotonic()
