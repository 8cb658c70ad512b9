"""What the page reads: parts of long lists, filtered, each with what belongs to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blockstore.attachment import Status
from metadata_server.domain.attachment import Attachment
from metadata_server.domain.instance import Instance
from metadata_server.domain.states import Lifecycle
from metadata_server.domain.volume import Volume
from metadata_server.store import Store
from metadata_server.store.overview import Wish

NAMES = {"1a": "web", "2b": "web", "3c": "Web%", "4d": "db", "5e": "db_2"}


@pytest.fixture
def filled(store: Store) -> Store:
    """Five instances (two of one name), of which two have trouble, and four volumes, three of them attached."""
    with store.begin() as transaction:
        for identifier, name in NAMES.items():
            transaction.instances.add(Instance(identifier, name, f"iqn.2018-12.com.x:{identifier}", f"t{identifier}"))
        for identifier, healthy in (("1a", True), ("2b", False), ("4d", False)):
            transaction.reports.put(identifier, {"of": identifier}, "t9", healthy=healthy)
        for identifier, lifecycle in (
            ("v1", Lifecycle.READY),
            ("v2", Lifecycle.READY),
            ("v3", Lifecycle.ERROR),
            ("v4", Lifecycle.READY),
        ):
            transaction.volumes.add(
                Volume(identifier, f"data-{identifier}", 2, "t", "t", lifecycle=lifecycle, volume_type="sparse")
            )
        one = Attachment("a1", "v1", "1a", Status.ATTACHED, "rw", False, "t1", "t2")
        transaction.attachments.add(one)
        transaction.attachments.add(replace(one, id="a2", volume_id="v2", status=Status.ERROR_ATTACHING, created_at="t0"))
        transaction.attachments.add(replace(one, id="a4", volume_id="v4", instance_id="nova-7", mode="ro"))
    return store


def instances(store: Store, wish: Wish) -> list[str]:
    with store.begin() as transaction:
        return [each.id for each in transaction.overview.instances(wish)]


def volumes(store: Store, wish: Wish) -> list[str]:
    with store.begin() as transaction:
        return [each.id for each in transaction.overview.volumes(wish)]


def test_page_after_page_everything_comes_once(filled: Store) -> None:
    seen: list[str] = []
    while True:
        part = instances(filled, Wish(after=seen[-1] if seen else "", limit=2))
        seen += part[:2]
        if len(part) <= 2:
            break
    assert sorted(seen) == sorted(NAMES)
    assert seen.index("1a") < seen.index("2b")  # one name: by id
    assert instances(filled, Wish(after="gone")) == instances(filled, Wish())


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(text="WEB"), {"1a", "2b", "3c"}), (Wish(text="%"), {"3c"}), (Wish(text="_"), {"5e"}), (Wish(text="4d"), {"4d"}),
        (Wish(text="nothing"), set()), (Wish(trouble=True), {"2b", "4d"}), (Wish(text="web", trouble=True), {"2b"}),
    ],
)  # fmt: skip
def test_a_part_of_a_name_or_the_begin_of_an_id_finds_it(filled: Store, wish: Wish, found: set[str]) -> None:
    assert set(instances(filled, wish)) == found


def test_an_instance_comes_with_its_newest_report_and_without_one(filled: Store) -> None:
    with filled.begin() as transaction:
        by_id = {each.id: each for each in transaction.overview.instances(Wish())}
        assert (by_id["2b"].report, by_id["2b"].received_at) == ({"of": "2b"}, "t9")
        assert (by_id["3c"].report, by_id["3c"].received_at) == (None, "")
        assert transaction.overview.instance("4d") == replace(by_id["4d"], report=None, received_at="")
        assert transaction.overview.instance("nova-7") is None


def test_attachments_come_by_instance_the_first_reserved_first(filled: Store) -> None:
    with filled.begin() as transaction:
        found = transaction.overview.attachments(["1a", "2b", "nova-7"])
    assert [(each.id, each.volume, each.status, each.instance) for each in found["1a"]] == [
        ("a2", "data-v2", "error_attaching", "web"), ("a1", "data-v1", "attached", "web"),
    ]  # fmt: skip
    assert [(each.id, each.mode, each.instance) for each in found["nova-7"]] == [("a4", "ro", "")]
    assert "2b" not in found


def test_a_volume_comes_with_its_attachment(filled: Store) -> None:
    with filled.begin() as transaction:
        by_id = {each.id: each for each in transaction.overview.volumes(Wish())}
    attachment = by_id["v1"].attachment
    assert attachment is not None
    assert (attachment.instance, attachment.attached_at, by_id["v1"].size, by_id["v1"].volume_type) == ("web", "t2", 2, "sparse")
    assert by_id["v3"].attachment is None
    assert volumes(filled, Wish(trouble=True)) == ["v2", "v3"]
    assert volumes(filled, Wish(after="v2", limit=1)) == ["v3", "v4"]
