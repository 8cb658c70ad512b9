"""Who is below another waits for it without a thread; who is not goes at once; whatever ends somebody, nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from blockstore.attachment import Attachment, Volume
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.report import Result, VolumeReport
from cc_blockstore.plan.desired import Wanted
from cc_blockstore.plan.points import Below
from cc_blockstore.protocols import TRANSPORTS
from cc_blockstore.task import Task
from cc_blockstore.turns import Turns
from cc_blockstore.volume import Outcome

A, AB, ABC = Below("/a/b", "/a", "v1", "one"), Below("/a/b/c", "/a/b", "v2", "two"), Below("/a/b/c", "/a", "v1", "one")


def task(name: str) -> Task:
    path = IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.org.openstack:{name}", 1)
    return Task(Wanted(Attachment(f"a-{name}", Volume(name, name)), None), path, TRANSPORTS["iscsi"])


class Going:
    """What each is called with, and in which thread."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[str]]] = []
        self.threads: set[int] = set()

    def __call__(self, name: str, *mounted: str) -> Callable[[Sequence[Below]], Outcome]:
        def go(absent: Sequence[Below]) -> Outcome:
            self.told.append((name, [each.above for each in absent]))
            self.threads.add(threading.get_ident())
            return Outcome(VolumeReport(name, name, Result.OK), True, (), mounted=mounted)

        return go


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_who_is_below_nobody_goes_at_once_and_in_the_same_thread(pool: ThreadPoolExecutor):
    going, turns = Going(), Turns(pool, [task("v1"), task("v2")])
    assert turns.take("v1", (), going("v1", "/a")).done()
    assert turns.take("v2", (A,), going("v2", "/a/b")).result().mounted == ("/a/b",)
    assert going.told == [("v1", []), ("v2", [])]
    assert going.threads == {threading.get_ident()}


def test_who_is_below_others_waits_for_all_of_them(pool: ThreadPoolExecutor):
    going, turns = Going(), Turns(pool, [task("v1"), task("v2"), task("v3")])
    third = turns.take("v3", (AB, ABC), going("v3", "/a/b/c"))
    second = turns.take("v2", (A,), going("v2", "/a/b"))
    assert (third.done(), second.done(), going.told) == (False, False, [])
    turns.take("v1", (), going("v1", "/a"))
    third.result(10)
    assert going.told == [("v1", []), ("v2", []), ("v3", [])]


def test_who_waits_takes_no_thread(pool: ThreadPoolExecutor):
    """There is one thread here, and the one that is waited for needs it."""
    going, turns = Going(), Turns(pool, [task("v1"), task("v2")])
    waits = pool.submit(turns.take, "v2", (A,), going("v2")).result(10)
    pool.submit(turns.take, "v1", (), going("v1", "/a")).result(10)
    waits.result(10)
    assert going.told == [("v1", []), ("v2", [])]


def test_where_the_upper_one_does_not_come_up_the_lower_one_is_told(pool: ThreadPoolExecutor):
    going, turns = Going(), Turns(pool, [task("v1"), task("v2"), task("v3")])
    waits = turns.take("v3", (AB, ABC), going("v3"))
    turns.over("v1", ["/a"])
    assert not waits.done()
    turns.over("v2", ())
    waits.result(10)
    assert going.told == [("v3", ["/a/b"])]


def test_who_is_not_on_the_way_is_not_waited_for(pool: ThreadPoolExecutor):
    going = Going()
    assert Turns(pool, [task("v2")]).take("v2", (A,), going("v2")).done()
    assert going.told == [("v2", ["/a"])]


def test_a_failure_is_its_own_s_and_nobody_waits_for_ever(pool: ThreadPoolExecutor):
    going, turns = Going(), Turns(pool, [task("v1"), task("v2")])
    waits = turns.take("v2", (A,), going("v2"))

    def fails(absent: Sequence[Below]) -> Outcome:
        raise SystemExit(3)

    first = turns.take("v1", (), fails)
    with pytest.raises(SystemExit):
        first.result(10)
    waits.result(10)
    assert going.told == [("v2", ["/a"])]
