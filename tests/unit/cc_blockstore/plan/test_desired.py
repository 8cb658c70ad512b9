"""Desired state: what is to come, what is to go, and what is left alone because it is not clear."""

from __future__ import annotations

from blockstore.attachment import Attachment, Status, Volume
from blockstore.iscsi import IscsiConnection, IscsiPath
from blockstore.portal import Portal
from cc_blockstore.document.parse import Document, parse
from cc_blockstore.plan.desired import Desired, decide, required


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


def test_two_volumes_of_one_serial_are_both_left_alone_whoever_names_it():
    path = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:v", 1)
    listed = [
        Attachment("a-v1", Volume("v1", "a", serial="same")),
        Attachment("a-v2", Volume("v2", "b"), connection=IscsiConnection((path,), serial="same")),
        Attachment("a-v3", Volume("v3", "c", serial="own"), connection=IscsiConnection((path,), serial="same")),
        Attachment("a-v4", Volume("v4", "d")),
        Attachment("a-v5", Volume("v5", "e")),
    ]
    desired = decide(document(), listed, {}, complete=True)
    assert ids(desired) == ["v3", "v4", "v5"]
    assert set(reasons(desired)) == {"v1", "v2"}
    assert reasons(desired)["v2"].startswith("several volumes have the serial 'same'")


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


def test_a_required_volume_that_is_not_attached_is_told():
    document = parse({"endpoint": "http://192.0.2.1:8775", "volumes": {"data": {"required": True}, "*": {"required": True}}})
    missing = decide(document, [], {}, complete=True).turned
    assert [(each.name, each.required, each.reason) for each in missing] == [
        ("data", True, "required, but not attached to this instance")
    ]


def test_one_that_an_incomplete_list_lacks_is_told_with_the_reason_why_it_is_incomplete():
    missing = decide(document(data={"required": True}, log={}), [one("v1")], {}, complete=False, lacks="no answer").turned
    assert [(each.name, each.required, each.reason) for each in missing] == [("data", True, "required, but no answer")]
    assert decide(document(data={"required": True}), [one("v1", "data")], {}, complete=False, lacks="no answer").turned == ()


def test_where_all_are_required_an_incomplete_list_must_have_one_of_them():
    every = document(**{"*": {"required": True}, "log": {}})
    for listed, missing in (([], ["*"]), ([one("v2", "log")], ["*"]), ([one("v1")], [])):
        assert [each.name for each in decide(every, listed, {}, complete=False, lacks="no answer").turned] == missing
    assert decide(every, [], {}, complete=True).turned == ()


def test_one_that_the_server_s_word_requires_is_required_where_it_is_turned_away():
    listed = [one("v1", "a", blockstore_required="true", blockstore_mount="../x"), one("v2", blockstore_mount="../x")]
    assert [each.required for each in decide(document(), listed, {}, complete=True).turned] == [True, False]


def test_who_must_be_there_is_known_without_a_list():
    known = [one("v1", "data"), one("v2", blockstore_required="true"), one("v3")]
    assert required(document(data={"required": True}), known) == ("data", "v2")
    assert required(document(**{"*": {"required": True}}), known) == ("*",)
    assert required(document(), [one("v3")]) == ()


def test_the_same_volume_under_a_new_attachment_goes_before_it_comes():
    document = parse({"endpoint": "http://192.0.2.1:8775"})
    volume = Volume("v1", "data")
    old, new = Attachment("a-old", volume), Attachment("a-new", volume)
    desired = decide(document, [new], {"v1": old}, complete=True)
    assert desired.take_down == ("v1",)
    assert [each.attachment.id for each in desired.bring_up] == ["a-new"]


def test_one_whose_leaving_was_begun_goes_and_comes_back_under_a_new_attachment():
    old, new = one("v1"), Attachment("a-new", Volume("v1", "v1"))
    desired = decide(document(), [old], {"v1": old}, complete=True, leaving=[old.id])
    assert (ids(desired), desired.take_down) == ([], ("v1",))
    for listed in ([new], [old, new]):
        desired = decide(document(), listed, {"v1": old}, complete=False, leaving=[old.id])
        assert [each.attachment.id for each in desired.bring_up] == ["a-new"]
        assert desired.take_down == ("v1",)
    assert decide(document(), [], {"v1": old}, complete=False, leaving=[old.id]).take_down == ("v1",)


def test_one_that_is_named_at_another_path_goes_before_it_comes():
    both = [one("v1"), one("v2")]
    desired = decide(document(), both, {each.volume.id: each for each in both}, complete=True, moved=["v2"])
    assert (ids(desired), desired.take_down) == (["v1", "v2"], ("v2",))


def test_one_that_is_not_touched_stays_where_it_is_whatever_is_named():
    listed = [one("v1", "v2"), one("v2")]
    desired = decide(document(), listed, {each.volume.id: each for each in listed}, complete=True, moved=["v1"])
    assert "v1" in reasons(desired)
    assert desired.take_down == ()
