"""Each task as soon as its login is decided; at the deadline all that are left."""

from __future__ import annotations

from collections.abc import Iterable

from blockstore.attachment import Attachment, Volume
from blockstore.errors import LoginFailed
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline
from cc_blockstore.arrivals import arrivals
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task
from tests.unit.fakes import FakeClock

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


def test_whoever_arrives_comes_at_once_and_is_not_asked_for_again(clock: FakeClock):
    one, two, three = (task(name) for name in ("one", "two", "three"))
    refused = LoginFailed("refused")
    batch = Script({}, {two.path: None}, {one.path: refused, three.path: None})
    found = list(arrivals({ISCSI: batch}, [one, two, three], Deadline.after(10, clock)))
    assert found == [(two, None), (one, refused), (three, None)]
    assert batch.asked == [[one.path, two.path, three.path], [one.path, two.path, three.path], [one.path, three.path]]


def test_who_has_not_come_by_the_deadline_is_overdue(clock: FakeClock):
    one, two = task("one"), task("two")
    found = list(arrivals({ISCSI: Script({one.path: None})}, [one, two], Deadline.after(5, clock)))
    assert found[0] == (one, None)
    assert found[1][0] is two
    assert "no answer from 10.0.0.1:3260" in str(found[1][1])
    assert clock.now >= 1005


def test_nobody_waits_for_nothing(clock: FakeClock):
    assert list(arrivals({}, [], Deadline.after(5, clock))) == []
    assert clock.slept == []
