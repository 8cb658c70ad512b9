"""Who leads when: the first one, one in the place of a dead or a silent one, and nobody beside one who lives."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from metadata_server.domain.errors import Conflict, Unavailable
from metadata_server.peers import leadership as module
from metadata_server.peers.leadership import Elected, Leadership, Patience, leadership
from metadata_server.store.leases import Lease

SECONDS = 30.0


class Database:
    """The one row, as `Leases` changes it; ``down`` where it does not answer."""

    def __init__(self):
        self.row, self.down = None, False
        self.database = SimpleNamespace(shared=True)

    @contextmanager
    def begin(self):
        if self.down:
            raise Unavailable("the server's database: gone")
        yield SimpleNamespace(leases=self)

    read = begin

    def get(self):
        return self.row

    def add(self, holder):
        if self.row is not None:
            raise Conflict("there is one")
        self.row = Lease(holder, 0)

    def take(self, before, holder):
        taken = self.row == before
        if taken:
            self.row = Lease(holder, before.beat + 1)
        return taken

    def keep(self, holder):
        kept = self.row is not None and self.row.holder == holder
        if kept:
            self.row = Lease(holder, self.row.beat + 1)
        return kept


class Machine:
    """The claims of all processes, and the one clock and event loop of this test."""

    def __init__(self):
        self.held, self.now, self.soon = {}, 0.0, []

    def time(self):
        return self.now

    def call_later(self, _seconds, _call):
        return None

    def call_soon(self, call):
        self.soon.append(call)


class Server:
    """One of them."""

    def __init__(self, database, machine):
        self.said, self._machine = [], machine
        self.elected = Elected(database, SimpleNamespace(take=self._take, free=self._free), SECONDS)
        self.leads = self.elected.seize()
        self.elected.begin(lead=lambda: self.said.append("lead"), follow=lambda: self.said.append("follow"))

    def look(self):
        self.elected._look()
        while self._machine.soon:
            self._machine.soon.pop()()

    def die(self):
        self._machine.held.clear()

    def _take(self, name):
        self._machine.held[name] = self
        return True

    def _free(self, name):
        return name not in self._machine.held


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(module.asyncio, "get_running_loop", lambda: machine)
    return machine


@pytest.fixture
def two(database, machine):
    return Server(database, machine), Server(database, machine)


def run(machine, seconds, *servers):
    for _ in range(int(seconds)):
        machine.now += 1
        for server in servers:
            server.look()


def test_with_sqlite_the_one_there_is_leads():
    alone = leadership(SimpleNamespace(database=SimpleNamespace(shared=False)), None, SECONDS)
    assert type(alone) is Leadership
    assert alone.seize()
    alone.hold()


def test_the_first_one_leads_and_the_next_one_follows(two):
    assert [each.leads for each in two] == [True, False]


def test_nobody_replaces_one_that_lives(two, machine):
    run(machine, 10 * SECONDS, *two)
    assert [each.said for each in two] == [[], []]


def test_one_that_is_dead_is_replaced_at_the_next_look(two, machine):
    two[0].die()
    run(machine, 1, two[1])
    assert two[1].said == ["lead"]


def test_one_that_is_silent_is_replaced_after_its_lease_and_follows_when_it_wakes_up(two, machine):
    run(machine, 10, *two)
    run(machine, SECONDS - 1, two[1])
    assert two[1].said == []
    run(machine, 2, two[1])
    assert two[1].said == ["lead"]
    with pytest.raises(Unavailable, match="another server leads by now"):
        two[0].elected.hold()
    run(machine, 2 * SECONDS, *two)
    assert [each.said for each in two] == [["follow"], ["lead"]]


def test_of_two_that_see_it_silent_one_leads(two, machine, database):
    third = Server(database, machine)
    run(machine, SECONDS + 2, two[1], third)
    assert sorted([two[1].said, third.said]) == [[], ["lead"]]


def test_while_the_database_is_gone_nobody_is_late(two, machine, database):
    run(machine, 3, *two)
    database.down = True
    run(machine, 3 * SECONDS, *two)
    database.down = False
    run(machine, SECONDS / 2, *two)
    assert [each.said for each in two] == [[], []]


@pytest.mark.parametrize(
    ("looks", "late"),
    [
        ((0, 10, 20, 30), True),
        ((0, 10, 20, 29), False),
        ((0, 30), False),  # the one who looks was frozen, too
        ((0, 30, 40, 50, 60), True),
    ],
)
def test_patience_counts_from_a_look_to_the_next_one(looks, late):
    patience = Patience(SECONDS)
    assert [patience.late(Lease("a", 1), now) for now in looks][-1] is late
