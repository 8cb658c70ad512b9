"""Many servers on one database: of many that ask for the same at once, one gets it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from blockstore.attachment import Status
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.errors import Conflict, OverLimit, Unavailable
from metadata_server.domain.instance import Instance
from metadata_server.domain.states import Lifecycle, VolumeMove
from metadata_server.domain.volume import Volume
from metadata_server.store import Store, Transaction
from metadata_server.workflow import quotas
from metadata_server.workflow.attachments import Attachments
from metadata_server.workflow.changes import Changes
from metadata_server.workflow.metadata import merged
from metadata_server.workflow.parts import Parts
from metadata_server.workflow.volumes import Volumes

VOLUME = Volume("v", "data", 1, "t1", "t1", lifecycle=Lifecycle.READY, volume_type="sparse")
RACERS, ROUNDS = 4, 8


@pytest.fixture
def servers(opened: Callable[[], Store], kind: str) -> list[Store]:
    """Each with connections of its own. On SQLite there is one server; its transactions still must not overlap."""
    return [opened() for _ in range(RACERS)]


def race(servers: list[Store], step: Callable[[Transaction, int], None]) -> list[int]:
    """All at once; gives who came through. Who is refused is rolled back."""
    barrier, won, lost = threading.Barrier(len(servers)), list[int](), list[Exception]()

    def run(number: int, store: Store) -> None:
        barrier.wait()
        try:
            with store.begin() as transaction:
                step(transaction, number)
        except (Conflict, OverLimit, Unavailable) as error:
            lost.append(error)
        else:
            won.append(number)

    threads = [threading.Thread(target=run, args=(number, store)) for number, store in enumerate(servers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(lost) == len(servers)
    return won


def reserve(transaction: Transaction, number: int) -> None:
    """As `holding.reserved`: moved first, then looked at."""
    if transaction.volumes.moved("v", VolumeMove.RESERVE, "t2") is None or transaction.volumes.engaged("v"):
        raise Conflict("somebody has it")
    transaction.attachments.add(Attachment(f"a{number}", "v", "i", Status.RESERVED, "rw", False, "t2"))


def test_one_reserves(servers: list[Store]) -> None:
    for _ in range(ROUNDS):
        with servers[0].begin() as transaction:
            transaction.volumes.add(VOLUME)
        [winner] = race(servers, reserve)
        with servers[0].begin() as transaction:
            [attachment] = transaction.attachments.of_volume("v")
            assert attachment.id == f"a{winner}"
            transaction.attachments.remove(attachment.id)
            transaction.volumes.remove("v")


def test_either_it_is_reserved_or_it_is_deleted(servers: list[Store]) -> None:
    def step(transaction: Transaction, number: int) -> None:
        if number % 2:
            reserve(transaction, number)
        elif not transaction.volumes.move("v", VolumeMove.EXTEND, "t2") or transaction.attachments.of_volume("v"):
            raise Conflict("somebody has it")

    for _ in range(ROUNDS):
        with servers[0].begin() as transaction:
            transaction.volumes.add(VOLUME)
        [winner] = race(servers, step)
        with servers[0].begin() as transaction:
            there = transaction.attachments.of_volume("v")
            assert [each.id for each in there] == ([f"a{winner}"] if winner % 2 else [])
            for each in there:
                transaction.attachments.remove(each.id)
            transaction.volumes.remove("v")


def test_the_last_place_of_a_quota_is_taken_once(servers: list[Store]) -> None:
    with servers[0].begin() as transaction:
        transaction.quotas.set({"volumes": 1})

    def create(transaction: Transaction, number: int) -> None:
        quotas.check(transaction, "sparse", size=1, volumes=1, gigabytes=1)
        transaction.volumes.add(replace(VOLUME, id=str(number)))

    for _ in range(ROUNDS):
        [winner] = race(servers, create)
        with servers[0].begin() as transaction:
            transaction.volumes.remove(str(winner))


def test_one_completes_or_one_releases(servers: list[Store]) -> None:
    before = Attachment("a", "v", "i", Status.ATTACHING, "rw", False, "t1")
    completed, released = replace(before, status=Status.ATTACHED), replace(before, status=Status.DETACHING, released=True)

    def step(transaction: Transaction, number: int) -> None:
        if not transaction.attachments.swap(before, completed if number % 2 else released):
            raise Conflict("somebody was faster")

    for _ in range(ROUNDS):
        with servers[0].begin() as transaction:
            transaction.volumes.add(VOLUME)
            transaction.attachments.add(before)
        [winner] = race(servers, step)
        with servers[0].begin() as transaction:
            found = transaction.attachments.get("a")
            assert found is not None
            assert found == (completed if winner % 2 else released)
            transaction.attachments.remove("a")
            transaction.volumes.remove("v")


def test_completed_or_not_it_is_released(servers: list[Store]) -> None:
    before = Attachment("a", "v", "i", Status.ATTACHING, "rw", False, "t1")
    written = list[bool]()

    def step(transaction: Transaction, number: int) -> None:
        if number % 2:
            transaction.attachments.complete("a", None, "t2")
        elif (ending := transaction.attachments.release("a", None)) is not None:
            written.append(ending.written)

    for _ in range(ROUNDS):
        with servers[0].begin() as transaction:
            transaction.volumes.add(VOLUME)
            transaction.attachments.add(before)
        written.clear()
        assert len(race(servers, step)) == RACERS
        with servers[0].begin() as transaction:
            found = transaction.attachments.get("a")
            assert found is not None
            assert (found.status, found.released) == (Status.DETACHING, True)
            # Whoever released it last knows whether anybody completed it before.
            assert any(written) is bool(found.attached_at)
            transaction.attachments.remove("a")
            transaction.volumes.remove("v")


def test_first_reports_at_once_are_all_taken(servers: list[Store]) -> None:
    """A guest that got no answer sends it again, to another server perhaps: neither is refused."""
    for number in range(ROUNDS):
        with servers[0].begin() as transaction:
            transaction.instances.add(Instance(f"i{number}", f"web-{number}", f"iqn.x:{number}", "t1"))

        def step(transaction: Transaction, racer: int, name: str = f"i{number}") -> None:
            transaction.reports.hold(name)
            before = transaction.reports.newest(name)
            if before is not None:
                transaction.reports.put_away(before)
            transaction.reports.put(name, {"from": racer}, "t2", healthy=True)

        assert len(race(servers, step)) == RACERS


def test_one_token_stays_of_those_who_each_end_all_but_their_own(servers: list[Store]) -> None:
    def end_others(transaction: Transaction, number: int) -> None:
        transaction.instances.hold("i")
        if transaction.instances.token(f"t{number}") is None:
            raise Conflict("somebody was faster")
        transaction.instances.remove_tokens("i", but=f"t{number}")

    with servers[0].begin() as transaction:
        transaction.instances.add(Instance("i", "web", "iqn.2026-01.com.example:web", "now"))
    for _ in range(ROUNDS):
        with servers[0].begin() as transaction:
            for number in range(RACERS):
                transaction.instances.add_token(f"t{number}", "i", "now")
        [winner] = race(servers, end_others)
        with servers[0].begin() as transaction:
            assert [n for n in range(RACERS) if transaction.instances.token(f"t{n}")] == [winner]
            transaction.instances.remove_tokens("i")


def parts(store: Store, observe: Callable[[str], None] = lambda _: None) -> Parts:
    """As much as changes and reservations need."""
    backends = SimpleNamespace(of=lambda _: SimpleNamespace(atomic=True))
    found = SimpleNamespace(store=store, backends=backends, changes=Changes(), observe=observe, jobs=None, peers=True)
    return cast("Parts", found)


def test_read_only_or_given_away_to_be_written_to_and_not_both(servers: list[Store]) -> None:
    with servers[0].begin() as transaction:
        transaction.volumes.add(VOLUME)

    def elsewhere(_: str) -> None:
        Attachments(parts(servers[1])).reserve("v", "i", mode="rw")

    with pytest.raises(Conflict, match="is attached"):
        Volumes(parts(servers[0], elsewhere)).flag("v", readonly=True)
    with servers[0].read() as transaction:
        volume = transaction.volumes.get("v")
    assert volume is not None
    assert not volume.readonly


def test_of_those_that_change_metadata_none_takes_anothers_keys(servers: list[Store]) -> None:
    with servers[0].begin() as transaction:
        transaction.volumes.add(VOLUME)

    def add(number: int) -> None:
        for turn in range(ROUNDS):
            Volumes(parts(servers[number])).change("v", metadata=merged({f"{number}.{turn}": "x"}))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, _ = Volumes(parts(servers[0])).get("v")
    assert len(found.metadata) == RACERS * ROUNDS
