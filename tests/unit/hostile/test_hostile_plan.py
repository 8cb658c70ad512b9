"""Desired state over hostile lists: no volume is taken for another, none is decided twice, and ten thousand take a moment."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.attachment import Attachment, Status, Volume
from blockstore.errors import ServiceDenied, ServiceUnreachable
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline
from cc_blockstore import listing
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.machine import ledger
from cc_blockstore.machine.ledger import Known
from cc_blockstore.plan import points
from cc_blockstore.plan.desired import Desired, decide
from tests.unit.fakes import FakeClock, FakeMachine
from tests.unit.hostile.hostility import TEXTS, hostile

WISH = {"mount": "/srv/data", "overwrite": True}


def one(
    volume_id: str, name: str = "", attachment_id: str = "", serial: str = "", status: Status = Status.ATTACHED
) -> Attachment:
    return Attachment(attachment_id or f"a-{volume_id}", Volume(volume_id, name or volume_id, serial=serial), status)


def ids(desired: Desired) -> list[str]:
    return [each.attachment.volume.id for each in desired.bring_up]


def reason(desired: Desired, volume_id: str) -> str:
    [found] = [each.reason for each in desired.turned if each.volume_id == volume_id]
    return found


def test_a_volume_named_as_another_s_id_takes_neither_its_wish_nor_its_link():
    desired = decide(parse({"volumes": {"v2": WISH}}), [one("v1", name="v2"), one("v2", name="data")], {}, complete=True)
    assert ids(desired) == ["v2"]
    assert reason(desired, "v1").startswith("its link 'v2' would be that of another volume")


@pytest.mark.parametrize("name", ["v2-part1", "v1-part1", "v2-part1-part9", "v1-part99"])
def test_a_volume_named_as_a_partition_s_link(name: str):
    assert ids(decide(Document(), [one("v1", name=name), one("v2")], {}, complete=True)) == ["v2"]
    assert ids(decide(Document(), [one("v2-part1"), one("v2")], {}, complete=True)) == ["v2"]


def test_a_volume_listed_twice_is_left_as_it_is():
    listed = [one("v1", attachment_id="a1"), one("v1", attachment_id="a2"), one("v2")]
    desired = decide(Document(), listed, {"v1": one("v1", attachment_id="a1")}, complete=True)
    assert (ids(desired), desired.take_down) == (["v2"], ())
    assert reason(desired, "v1") == "listed more than once, as attachments a1, a2: which one counts is not known"


def test_the_same_entry_twice_is_no_more_sure():
    assert ids(decide(Document(), [one("v1"), one("v1")], {}, complete=True)) == []


def test_one_attachment_of_two_volumes():
    assert ids(
        decide(Document(), [one("v1", attachment_id="a"), one("v2", attachment_id="a"), one("v3")], {}, complete=True)
    ) == ["v3"]


def test_one_serial_of_two_volumes():
    desired = decide(Document(), [one("v1", serial="s"), one("v2", serial="s"), one("v3"), one("v4")], {}, complete=True)
    assert ids(desired) == ["v3", "v4"]
    assert reason(desired, "v1") == "several volumes have the serial 's', so that their devices cannot be told apart: v1, v2"


def test_the_old_attachment_of_a_volume_that_is_here_under_a_new_one():
    old, new = one("v1", attachment_id="old", status=Status.DETACHING), one("v1", attachment_id="new")
    known = {"v1": one("v1", attachment_id="old")}
    assert decide(Document(), [old, new], known, complete=True).take_down == ("v1",)
    known = {"v1": one("v1", attachment_id="new")}
    assert decide(Document(), [old, new], known, complete=True).take_down == ()


def test_a_volume_named_as_the_wish_for_all_others():
    document = parse({"volumes": {"*": {"mount": "/srv"}, "v2": {"label": "x"}}})
    assert ids(decide(document, [one("v1", name="*"), one("v2")], {}, complete=True)) == ["v1", "v2"]


NAMES = st.sampled_from(["v0", "v1", "v2", "data", "*", "v0-part1", "v1-part2"]) | TEXTS.filter(bool)
LISTED = st.lists(
    st.builds(one, st.sampled_from(["v0", "v1", "v2", "v3", "v0-part1"]), NAMES, st.sampled_from(["", "a0", "a1"]),
              st.sampled_from(["", "", "s"]), st.sampled_from(Status)),
    max_size=6,
)  # fmt: skip
DOCUMENTS = st.dictionaries(
    st.sampled_from(["v0", "v1", "data", "*"]),
    st.fixed_dictionaries({"mount": st.sampled_from(["/srv/a", "/srv/b", "/srv/a/c", "none"]), "required": st.booleans()}),
    max_size=3,
)


@hostile(150)
@given(LISTED, DOCUMENTS, st.lists(st.sampled_from(["v0", "v1", "v4"]), unique=True), st.booleans())
def test_whatever_is_listed(listed: list[Attachment], wishes: dict[str, object], known: list[str], complete: bool):
    taken = [wish["mount"] for wish in wishes.values() if wish["mount"] != "none"]  # type: ignore[index]
    if len(taken) != len(set(taken)):
        return
    desired = decide(parse({"volumes": wishes}), listed, {each: one(each) for each in known}, complete=complete)
    desired = points.decide(desired, {each: each for each in (*points.of(desired), *points.SYSTEM)})
    up = [each.attachment for each in desired.bring_up]
    assert len({each.volume.id for each in up}) == len(up) == len({each.id for each in up}), "each once"
    serials = [each.volume.serial for each in up if each.volume.serial]
    assert len(serials) == len(set(serials))
    assert not {each.volume.id for each in up} & {each.volume_id for each in desired.turned}
    assert len(desired.take_down) == len(set(desired.take_down)), "each once"
    there = [point for wanted in desired.bring_up if wanted.wish for point in wanted.wish.points]
    assert len(there) == len(set(there))
    present = {each.volume.id for each in listed if each.status is not Status.DETACHING}
    assert present == {each.volume.id for each in up} | {each.volume_id for each in desired.turned if each.volume_id in present}
    for each in up:
        assert each.volume.name not in present - {each.volume.id}


TEN_THOUSAND = {
    "different": [one(f"v{n}", f"n{n}", serial=f"s{n}") for n in range(10_000)],
    "one name": [one(f"v{n}", "data") for n in range(10_000)],
    "one volume": [one("v", "data", f"a{n}") for n in range(10_000)],
    "one serial": [one(f"v{n}", serial="s") for n in range(10_000)],
    "one attachment": [one(f"v{n}", attachment_id="a") for n in range(10_000)],
}


@pytest.mark.parametrize("name", TEN_THOUSAND)
@pytest.mark.parametrize(
    "volumes", [{"data": WISH}, {"*": {"mount": "/srv/x"}}, {f"n{n}": {"mount": f"/srv/{n}"} for n in range(10_000)}]
)
def test_ten_thousand_take_a_moment(name: str, volumes: dict[str, object]):
    document, listed = parse({"volumes": volumes}), TEN_THOUSAND[name]
    known = {each.volume.id: each for each in listed}
    begun = time.process_time()
    desired = decide(document, listed, known, complete=True)
    desired = points.decide(desired, {each: each for each in (*points.of(desired), *points.SYSTEM)})
    assert time.process_time() - begun < 3
    assert sum(len(each.reason) for each in desired.turned) < 10_000 * 400


class Service:
    """Answers this list, or fails."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def attachments(self, deadline: Deadline) -> tuple[object, tuple[object, ...]]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, ()


ANSWERS = [TEN_THOUSAND["different"], ServiceUnreachable("x"), ServiceDenied(500, "x")]


@pytest.mark.parametrize("answer", ANSWERS, ids=["a list", "no answer", "a no"])
def test_a_listing_of_ten_thousand_takes_a_moment(answer: object):
    static = Document(attachments=tuple(TEN_THOUSAND["different"][:5000]))
    path = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.x:v", 1)
    known = {each.volume.id: Known(each, path) for each in TEN_THOUSAND["different"]}
    begun = time.process_time()
    listing.see(static, known, Service(answer), Deadline.after(60, FakeClock()))  # type: ignore[arg-type]
    assert time.process_time() - begun < 3


def test_a_ledger_of_a_thousand_takes_a_moment(fake: FakeMachine):
    for n in range(1000):
        known = Known(one(f"v{n}"), IscsiPath(Portal("10.0.0.1"), f"iqn.2010-10.x:v{n}", 1))
        fake.write(f"var/lib/blockstore/volumes/v{n}.json", known.to_json())
    begun = time.process_time()
    assert len(ledger.read_all(fake.machine)) == 1000
    assert time.process_time() - begun < 2
