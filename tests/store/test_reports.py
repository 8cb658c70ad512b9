"""Reports: the newest of every instance, and a bounded number of those before it."""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy

from metadata_server.domain.instance import Instance
from metadata_server.store import Store, engine, migrating
from metadata_server.store.reports import EARLIER, Kept


def register(store: Store, *identifiers: str) -> None:
    with store.begin() as transaction:
        for each in identifiers:
            transaction.instances.add(Instance(each, f"name-{each}", f"iqn.2018-12.com.x:{each}", "t0"))


def test_the_newest_takes_the_place_of_the_one_before(store: Store) -> None:
    register(store, "i")
    with store.begin() as transaction:
        assert transaction.reports.newest("i") is None
        transaction.reports.put("i", {"n": 1}, "t1", healthy=True)
        transaction.reports.put("i", {"n": 2}, "t2", healthy=False)
    with store.begin() as transaction:
        assert transaction.reports.of_instance("i") == (Kept("i", {"n": 2}, "t2"),)


def test_of_those_put_away_an_instance_keeps_the_last_and_no_other_loses_any(store: Store) -> None:
    register(store, "i", "other")
    with store.begin() as transaction:
        transaction.reports.put_away(Kept("other", {"n": 0}, "t0"))
        for number in range(EARLIER + 5):
            transaction.reports.put_away(Kept("i", {"n": number}, f"t{number}"))
        transaction.reports.put("i", {"n": 99}, "t99", healthy=True)
    with store.begin() as transaction:
        assert [each.body["n"] for each in transaction.reports.of_instance("i")] == [99, *range(EARLIER + 4, 4, -1)]
        assert [each.body["n"] for each in transaction.reports.of_instance("other")] == [0]


def test_those_with_trouble_are_found_by_their_newest_report(store: Store) -> None:
    register(store, "a", "b", "c", "d")
    with store.begin() as transaction:
        for identifier, received, healthy in (("a", "t1", False), ("b", "t2", True), ("c", "t3", False), ("d", "t4", False)):
            transaction.reports.put(identifier, {}, received, healthy=healthy)
        transaction.reports.put("d", {}, "t5", healthy=True)
    with store.begin() as transaction:
        assert transaction.reports.count_trouble() == 2
        assert transaction.reports.with_trouble(5) == (Kept("c", {}, "t3", "name-c"), Kept("a", {}, "t1", "name-a"))
        assert [each.instance_id for each in transaction.reports.with_trouble(1)] == ["c"]


def test_the_migration_finds_out_which_reports_had_trouble(tmp_path: Path) -> None:
    database = engine.sqlite(tmp_path / "state.db")
    bodies = {
        "well": {"volumes": [{"result": "ok"}]},
        "bad": {"volumes": [{"result": "ok"}, {"result": "failed"}]},
        "faulty": {"faults": ["x"]},
    }
    with database.engine.connect() as connection:
        migrating.migrate(connection, "0003")
        for name, body in bodies.items():
            values = {"id": name, "name": name, "iqn": name, "body": json.dumps(body)}
            instance = "INSERT INTO instances VALUES (:id, :name, :iqn, '', '', 't', '')"
            connection.execute(sqlalchemy.text(instance), values)
            connection.execute(sqlalchemy.text("INSERT INTO reports VALUES (:id, :body, 't')"), values)
        connection.commit()
    database.engine.dispose()
    store = Store.open(tmp_path / "state.db")
    with store.read() as transaction:
        assert {each.instance_id for each in transaction.reports.with_trouble(9)} == {"bad", "faulty"}
        assert transaction.reports.newest("well") == Kept("well", bodies["well"], "t")
    store.close()
