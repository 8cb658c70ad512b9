import asyncio

from metadata_server.workflow.changes import Changes


def test_a_change_wakes_those_who_wait_for_it_and_no_others():
    async def scene():
        changes = Changes()
        first, second = asyncio.ensure_future(changes.wait("a", 5)), asyncio.ensure_future(changes.wait("a", 5))
        other = asyncio.ensure_future(changes.wait("b", 0.01))
        await asyncio.sleep(0)
        changes.tell("a", "nobody")
        return await first, await second, await other

    assert asyncio.run(scene()) == (True, True, False)


def test_one_who_gave_up_takes_nothing_from_the_next():
    async def scene():
        changes = Changes()
        gave_up = await changes.wait("a", 0.01)
        waiting = asyncio.ensure_future(changes.wait("a", 5))
        await asyncio.sleep(0)
        changes.tell("a")
        return gave_up, await waiting

    assert asyncio.run(scene()) == (False, True)


def test_closing_wakes_all_and_lets_nobody_wait():
    async def scene():
        changes = Changes()
        waiting = asyncio.ensure_future(changes.wait("a", 5))
        await asyncio.sleep(0)
        changes.close()
        return await waiting, await changes.wait("b", 5)

    assert asyncio.run(scene()) == (False, False)
