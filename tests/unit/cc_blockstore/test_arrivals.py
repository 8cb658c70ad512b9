"""Each task as soon as its disk is there, or what is wrong with it known; at the deadline all that are left."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import pytest

from blockstore.attachment import Attachment, Volume
from blockstore.errors import LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.values import replace
from blockstore.waiting import Deadline
from cc_blockstore.arrivals import arrivals
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task
from tests.unit.fakes import FakeMachine

ISCSI = TRANSPORTS["iscsi"]


def task(name: str) -> Task:
    path = IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.org.openstack:volume-{name}", 1)
    return Task(Wanted(Attachment(f"a-{name}", Volume(name, name)), None), path, ISCSI)


class Script:
    """A batch in which, look by look, these paths arrive."""

    def __init__(self, *looks: dict[IscsiPath, LoginFailed | None]) -> None:
        self.looks, self.asked = list(looks), []  # type: ignore[var-annotated]

    def arrived(self, paths: Iterable[IscsiPath]) -> dict[IscsiPath, LoginFailed | None]:
        self.asked.append([*paths])
        return self.looks.pop(0) if self.looks else {}

    def overdue(self, path: IscsiPath) -> LoginFailed:
        return LoginFailed(f"no answer from {path.portal}")

    def finish(self) -> None:
        raise AssertionError("the caller's")


@pytest.fixture
def disks(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> set[IscsiPath]:
    """Whose disk is there; tested apart from what sysfs has."""
    there: set[IscsiPath] = set()
    monkeypatch.setattr(type(ISCSI), "device", lambda _, machine, path: path if path in there else None)
    return there


def test_whoever_arrives_comes_at_once_and_is_not_asked_for_again(fake: FakeMachine, disks: set[IscsiPath]):
    one, two, three = (task(name) for name in ("one", "two", "three"))
    disks.update((one.path, two.path, three.path))
    refused = LoginFailed("refused")
    batch = Script({}, {two.path: None}, {one.path: refused, three.path: None})
    found = list(arrivals(fake.machine, {ISCSI: batch}, [one, two, three], Deadline.after(10, fake.clock)))
    assert found == [(two, None), (one, refused), (three, None)]
    assert batch.asked == [[one.path, two.path, three.path], [one.path, two.path, three.path], [one.path, three.path]]


def test_who_is_connected_waits_for_the_disk_and_holds_up_nobody(fake: FakeMachine, disks: set[IscsiPath]):
    one, two = task("one"), task("two")
    disks.add(two.path)
    batch = Script({one.path: None}, {two.path: None})
    coming = arrivals(fake.machine, {ISCSI: batch}, [one, two], Deadline.after(10, fake.clock))
    assert next(coming) == (two, None)
    disks.add(one.path)
    assert list(coming) == [(one, None)]
    assert batch.asked == [[one.path, two.path], [two.path]]


def test_a_disk_that_does_not_come_is_told_at_the_deadline_and_takes_no_thread_until_then(
    fake: FakeMachine, disks: set[IscsiPath]
):
    """The target has no such LUN."""
    one, two = task("one"), task("two")
    disks.add(two.path)
    batch = Script({one.path: None, two.path: None})
    (first, _), (second, trouble) = arrivals(fake.machine, {ISCSI: batch}, [one, two], Deadline.after(60, fake.clock))
    assert (first, second) == (two, one)
    assert str(trouble).startswith(f"connected to {one.path}, but no device came in 60 s")
    assert batch.asked == [[one.path, two.path]]


def test_who_recovered_comes_without_its_disk(fake: FakeMachine, disks: set[IscsiPath]):
    """A LUN that came meanwhile is there only after the kernel was told to look, which takes the volume's own time."""
    old, new = task("old"), task("new")
    batch = Script({new.path: None}, {old.path: None})
    coming = arrivals(fake.machine, {ISCSI: batch}, [old, new], Deadline.after(10, fake.clock), [old.path])
    assert next(coming) == (old, None)
    disks.add(new.path)
    assert list(coming) == [(new, None)]


def test_who_has_not_come_by_the_deadline_is_overdue(fake: FakeMachine, disks: set[IscsiPath]):
    one, two = task("one"), task("two")
    disks.add(one.path)
    found = list(arrivals(fake.machine, {ISCSI: Script({one.path: None})}, [one, two], Deadline.after(5, fake.clock)))
    assert found[0] == (one, None)
    assert found[1][0] is two
    assert "no answer from 10.0.0.1:3260" in str(found[1][1])
    assert fake.clock.now >= 1005


def test_the_kernel_s_word_is_waited_for_where_it_can_be_heard(fake: FakeMachine, disks: set[IscsiPath]):
    one, dozed = task("one"), list[float]()

    def doze(seconds: float) -> None:
        dozed.append(seconds)
        disks.add(one.path)

    machine = replace(fake.machine, new_disks=lambda clock: contextlib.nullcontext(doze))
    assert list(arrivals(machine, {ISCSI: Script({one.path: None})}, [one], Deadline.after(5, fake.clock))) == [(one, None)]
    assert (dozed, fake.clock.slept) == ([0.5], [])


def test_nobody_waits_for_nothing(fake: FakeMachine):
    assert list(arrivals(fake.machine, {}, [], Deadline.after(5, fake.clock))) == []
    assert fake.clock.slept == []
