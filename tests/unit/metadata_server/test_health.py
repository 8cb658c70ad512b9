"""Whether all works, for who asks without a token; and how many answers one instance may have held."""

import asyncio
import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from metadata_server.api import health as endpoint
from metadata_server.api.errors import TooMany
from metadata_server.api.waiting import Waits
from metadata_server.domain.errors import Unavailable
from metadata_server.workflow.health import FRESH_SECONDS, Health


class Server:
    def __init__(self):
        self.looks, self.now = 0, 0.0
        self.database = self.target = True
        self.volumes = {("ready", ""): 2, ("ready", "attached"): 1, ("ready", "reserved"): 3, ("creating", ""): 1}
        self.health = Health(SimpleNamespace(store=self, faults={"a": "b"}), lambda: self.target, lambda: self.now)

    @contextmanager
    def read(self):
        self.looks += 1
        if not self.database:
            raise Unavailable("the server's database: secret words")
        yield SimpleNamespace(
            counts=SimpleNamespace(
                database=lambda: None,
                volumes=lambda attachments: self.volumes,
                attachments=lambda: {"attached": 1},
                instances=lambda: 7,
            )
        )

    def ask(self):
        answer = asyncio.run(endpoint.endpoint(self.health)(None))
        return answer.status_code, json.loads(answer.body)


@pytest.mark.parametrize(
    ("database", "target", "status"), [(True, True, 200), (False, True, 503), (True, False, 503), (False, False, 503)]
)
def test_it_names_what_does_not_work_and_nothing_else(database, target, status):
    server = Server()
    server.database, server.target = database, target
    words = {True: "ok", False: "failed"}
    assert server.ask() == (
        status,
        {"status": words[status == 200], "database": words[database], "target": words[target]},
    )


def test_asking_often_costs_one_look():
    server = Server()
    for _ in range(10):
        server.ask()
    assert server.looks == 1
    server.now += FRESH_SECONDS
    server.database = False
    assert server.ask()[0] == 503


def test_volumes_are_counted_by_the_word_that_cinder_has_for_them():
    found = Server().health.amounts()
    assert found.volumes == {"available": 2, "in-use": 1, "reserved": 3, "creating": 1}
    assert (found.attachments, found.instances, found.faults) == ({"attached": 1}, 7, 1)


class Caller:
    """Goes away when it is told to."""

    def __init__(self):
        self.gone = asyncio.Event()

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def change(event):
    await event.wait()
    return True


def test_so_many_answers_are_held_and_each_instance_has_its_own():
    async def run():
        waits, event = Waits(2), asyncio.Event()
        held = [asyncio.ensure_future(waits.hold(Caller(), "a", change(event))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await waits.hold(Caller(), "a", change(event))
        other = asyncio.ensure_future(waits.hold(Caller(), "b", change(event)))
        await asyncio.sleep(0)
        event.set()
        assert await asyncio.gather(*held, other) == [True, True, True]
        assert await waits.hold(Caller(), "a", change(event)) is True
        assert not vars(waits)["_now"]

    asyncio.run(run())


def test_who_went_away_holds_nothing():
    async def run():
        waits, caller = Waits(1), Caller()
        held = asyncio.ensure_future(waits.hold(caller, "a", change(asyncio.Event())))
        await asyncio.sleep(0)
        caller.gone.set()
        assert await asyncio.wait_for(held, 5) is False
        assert not vars(waits)["_now"]

    asyncio.run(run())


def test_a_wait_begins_at_once_so_that_no_change_is_missed():
    async def run():
        begun = []

        async def noted():
            begun.append(True)
            return True

        coroutine = Waits(1).hold(Caller(), "a", noted())
        with pytest.raises(StopIteration):
            coroutine.send(None)
        assert begun

    asyncio.run(run())
