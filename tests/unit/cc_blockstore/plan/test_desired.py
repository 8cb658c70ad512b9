"""Desired state: what is to come, what is to go, and what is left alone because it is not clear."""

from __future__ import annotations

from blockstore.attachment import Attachment, Status, Volume
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.plan.desired import Desired, decide


def one(volume_id: str, name: str = "", status: Status = Status.ATTACHED, **metadata: str) -> Attachment:
    words = {key.replace("_", "."): value for key, value in metadata.items()}
    return Attachment(f"att-{volume_id}", Volume(volume_id, name or volume_id, metadata=words), status)


def document(**volumes: object) -> Document:
    return parse({"volumes": volumes})


def ids(desired: Desired) -> list[str]:
    return [each.attachment.volume.id for each in desired.bring_up]


def reasons(desired: Desired) -> dict[str, str]:
    return {each.volume_id: each.reason for each in desired.turned}


def test_what_is_listed_comes_with_its_wish_or_with_none():
    desired = decide(document(data={"mount": "/srv/data"}), [one("v1", "data"), one("v2")], {}, complete=True)
    assert ids(desired) == ["v1", "v2"]
    wishes = [each.wish for each in desired.bring_up]
    assert wishes[0] is not None
    assert wishes[0].filesystems[0].mount == "/srv/data"
    assert wishes[1] is None
    assert (desired.take_down, desired.turned) == ((), ())


def test_what_is_known_but_no_longer_listed_goes():
    known = {"v1": one("v1"), "v2": one("v2")}
    assert decide(document(), [one("v1")], known, complete=True).take_down == ("v2",)


def test_an_incomplete_list_takes_nothing_down():
    known = {"v1": one("v1"), "v2": one("v2")}
    assert decide(document(), [], known, complete=False) == Desired((), ())


def test_detaching_goes_even_where_the_list_is_incomplete():
    leaving = one("v1", status=Status.DETACHING)
    desired = decide(document(), [leaving], {"v1": one("v1")}, complete=False)
    assert (ids(desired), desired.take_down) == ([], ("v1",))


def test_every_other_status_comes():
    listed = [one(status.value.replace("_", "-"), status=status) for status in Status if status is not Status.DETACHING]
    assert len(ids(decide(document(), listed, {}, complete=True))) == len(Status) - 1


def test_a_wish_by_a_name_that_two_volumes_have_is_nobody_s():
    desired = decide(document(data={"mount": "/srv"}), [one("v1", "data"), one("v2", "data"), one("v3")], {}, complete=True)
    assert ids(desired) == ["v3"]
    assert set(reasons(desired)) == {"v1", "v2"}
    assert reasons(desired)["v1"] == "the wish for 'data' fits 2 volumes: v1, v2; name it by id"


def test_the_same_two_are_fine_where_the_wish_names_one_by_id():
    assert ids(decide(document(v1={"mount": "/srv"}), [one("v1", "data"), one("v2", "data")], {}, complete=True)) == ["v1", "v2"]


def test_bad_metadata_of_one_volume_stops_that_volume_only():
    listed = [one("v1", "a", blockstore_mount="../x"), one("v2")]
    desired = decide(document(), listed, {}, complete=True)
    assert ids(desired) == ["v2"]
    assert reasons(desired)["v1"].startswith("metadata.blockstore.mount: must be an absolute path")


def test_what_is_left_alone_is_not_taken_down():
    known = {"v1": one("v1", "a")}
    desired = decide(document(), [one("v1", "a", blockstore_mount="../x")], known, complete=True)
    assert (set(reasons(desired)), desired.take_down) == ({"v1"}, ())


def test_of_what_is_left_alone_the_mount_points_are_known():
    desired = decide(document(data={"mount": "/srv"}), [one("v1", "data"), one("v2", "data")], {}, complete=True)
    assert [each.points for each in desired.turned] == [("/srv",), ("/srv",)]


def test_a_required_volume_that_is_not_attached_is_told_where_the_list_is_the_whole_truth():
    document = parse({"endpoint": "http://192.0.2.1:8775", "volumes": {"data": {"required": True}, "*": {"required": True}}})
    missing = decide(document, [], {}, complete=True).turned
    assert [(each.name, each.required, each.reason) for each in missing] == [
        ("data", True, "required, but not attached to this instance")
    ]
    assert decide(document, [], {}, complete=False).turned == ()


def test_the_same_volume_under_a_new_attachment_goes_before_it_comes():
    document = parse({"endpoint": "http://192.0.2.1:8775"})
    volume = Volume("v1", "data")
    old, new = Attachment("a-old", volume), Attachment("a-new", volume)
    desired = decide(document, [new], {"v1": old}, complete=True)
    assert desired.take_down == ("v1",)
    assert [each.attachment.id for each in desired.bring_up] == ["a-new"]
