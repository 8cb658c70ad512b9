"""Mount points: shared ones, those of the system, one below another, and those that would wait for each other."""

from __future__ import annotations

import pytest

from blockstore.attachment import Attachment, Status, Volume
from cc_blockstore.document.parse import Document
from cc_blockstore.plan import desired as plan
from cc_blockstore.plan import points
from cc_blockstore.plan.desired import Desired, Turned
from cc_blockstore.plan.points import SYSTEM, Below, in_turn
from tests.unit.cc_blockstore.plan.test_desired import document, ids, reasons


def one(volume_id: str, name: str = "", mount: str = "", **metadata: str) -> Attachment:
    words = {f"blockstore.{key}": value for key, value in ({"mount": mount} if mount else {}).items() | metadata.items()}
    return Attachment(f"att-{volume_id}", Volume(volume_id, name or volume_id, metadata=words), Status.ATTACHED)


def decide(document: Document, *listed: Attachment, **links: str) -> Desired:
    """Where ``links`` (a=…) leads from /a to …"""
    real = {f"/{name}": target for name, target in links.items()}
    desired = plan.decide(document, listed, {}, complete=True)
    return points.decide(desired, {point: real.get(point, point) for point in (*points.of(desired), *SYSTEM)})


def test_two_volumes_on_one_mount_point_are_both_left_alone():
    desired = decide(document(), one("v1", "a", "/srv"), one("v2", "b", "/srv"), one("v3", "c"))
    assert ids(desired) == ["v3"]
    assert set(reasons(desired).values()) == {"/srv is the mount point of 2 file systems: a, b"}


def test_one_that_shares_its_mount_point_stays_where_it_is_whatever_path_is_named():
    listed = (one("v1", "a", "/srv"), one("v2", "b", "/srv"), one("v3", "c", "/other"))
    known = {each.volume.id: each for each in listed}
    desired = plan.decide(document(), listed, known, complete=True, moved=["v1", "v3"])
    desired = points.decide(desired, {point: point for point in (*points.of(desired), *SYSTEM)})
    assert (set(reasons(desired)), desired.take_down) == ({"v1", "v2"}, ("v3",))


def test_a_wish_for_all_others_with_a_mount_point_fits_one_volume_only():
    wish = document(**{"*": {"mount": "/srv"}})
    assert ids(decide(wish, one("v1"))) == ["v1"]
    assert ids(decide(wish, one("v1"), one("v2"))) == []


def test_the_shared_point_may_be_that_of_a_second_partition():
    wish = document(a={"partitions": [{"size": "1GiB", "mount": "/srv/a"}, {"size": "rest", "mount": "/srv/b"}]})
    desired = decide(wish, one("v1", "a"), one("v2", "b", "/srv/b"))
    assert ids(desired) == []
    assert set(reasons(desired).values()) == {"/srv/b is the mount point of 2 file systems: a, b"}


def test_the_same_point_twice_in_one_volume_is_told_once():
    desired = decide(document(), one("v1", "a", partitions="1GiB ext4 /srv, rest ext4 /srv"))
    assert reasons(desired) == {"v1": "/srv is the mount point of 2 file systems: a, a"}


def test_two_volumes_that_links_lead_to_one_folder_are_both_left_alone():
    desired = decide(document(), one("v1", mount="/a"), one("v2", mount="/b"), one("v3", mount="/c"), a="/srv", b="/srv")
    assert ids(desired) == ["v3"]
    assert set(reasons(desired).values()) == {"/srv is the mount point of 2 file systems: v1, v2"}


def test_a_wish_has_the_folder_that_its_mount_point_leads_to_and_keeps_its_name():
    wish = decide(document(), one("v1", mount="/a"), a="/data/a").bring_up[0].wish
    assert wish is not None
    assert [(each.mount, each.named) for each in wish.filesystems] == [("/data/a", "/a")]
    whole = decide(document(v1={"partition_table": "none", "mount": "/a"}), one("v1"), a="/data/a").bring_up[0].wish
    assert whole is not None
    assert whole.points == ["/data/a"]


@pytest.mark.parametrize("target", ["/etc", "/", "/var/lib/cloud/data", "/dev/x", "/usr/lib"])
def test_a_link_into_the_running_system_is_not_followed(target: str):
    desired = decide(document(), one("v1", mount="/a"), one("v2", mount="/b"), a=target)
    assert ids(desired) == ["v2"]
    assert reasons(desired) == {"v1": f"its mount point /a leads to {target}, which belongs to the running system"}


def test_a_folder_of_the_system_that_is_a_link_is_protected_where_it_really_is():
    assert ids(decide(document(), one("v1", mount="/data/var"), one("v2", mount="/data/var/x"), var="/data/var")) == ["v2"]


def below(desired: Desired) -> dict[str, tuple[Below, ...]]:
    return {each.attachment.volume.id: each.below for each in desired.bring_up if each.below}


def test_one_below_another_knows_whom_it_waits_for_the_nearest_first():
    listed = one("v1", "in", "/a/b/c"), one("v2", "out", "/a"), one("v3", "mid", "/a/b"), one("v4", "", "/ab/c")
    desired = decide(document(), *listed)
    assert ids(desired) == ["v1", "v2", "v3", "v4"]
    assert below(desired) == {
        "v1": (Below("/a/b/c", "/a/b", "v3", "mid"), Below("/a/b/c", "/a", "v2", "out")),
        "v3": (Below("/a/b", "/a", "v2", "out"),),
    }
    assert [each.attachment.volume.id for each in in_turn(desired.bring_up)] == ["v2", "v4", "v3", "v1"]


def test_links_count_for_that_too():
    assert below(decide(document(), one("v1", mount="/x"), one("v2", mount="/a"), x="/a/b")) == {
        "v1": (Below("/a/b", "/a", "v2", "v2"),)
    }


def test_within_one_volume_nobody_waits():
    assert below(decide(document(), one("v1", partitions="1GiB ext4 /srv/b, rest ext4 /srv"))) == {}


@pytest.mark.parametrize("alone", [Turned("v1", "out", "doubts", points=("/a",)), Turned("v1", "out", "doubts", points=("/x",))])
def test_one_that_is_left_alone_counts_for_those_below_it(alone: Turned):
    desired = plan.decide(document(), [one("v2", mount="/a/b")], {}, complete=True)
    desired = Desired(desired.bring_up, (), (alone,))
    found = points.decide(desired, {**{each: each for each in (*SYSTEM, "/a", "/a/b")}, "/x": "/a"})
    assert below(found) == {"v2": (Below("/a/b", "/a", "v1", "out"),)}


def test_shared_points_count_for_those_below_them():
    desired = decide(document(), one("v1", mount="/a"), one("v2", mount="/a"), one("v3", mount="/a/b"))
    assert [each.above for each in below(desired)["v3"]] == ["/a"]


def crossed(volume_id: str, *mounts: str) -> Attachment:
    return one(volume_id, partitions=", ".join(f"1GiB ext4 {mount}" for mount in mounts))


def test_volumes_that_would_wait_for_each_other_are_left_alone_with_both_points():
    desired = decide(document(), crossed("v1", "/a", "/b/x"), crossed("v2", "/b", "/a/x"), one("v3", mount="/a/x/y"))
    assert ids(desired) == ["v3"], "it only waits, and is refused when it is to be mounted"
    assert [each.volume_id for each in below(desired)["v3"]] == ["v2", "v1"]
    assert reasons(desired) == {
        "v1": (
            "its mount point /b/x lies below /b of 'v2', which itself waits for a mount point of this volume: neither can be "
            "mounted first"
        ),
        "v2": (
            "its mount point /a/x lies below /a of 'v1', which itself waits for a mount point of this volume: neither can be "
            "mounted first"
        ),
    }


def test_a_larger_circle_takes_none_of_those_above_it():
    listed = (
        crossed("v1", "/a", "/c/x"),
        crossed("v2", "/b", "/a/x"),
        crossed("v3", "/c", "/b/x", "/top/x"),
        one("v4", mount="/top"),
    )
    assert ids(decide(document(), *listed)) == ["v4"]


def test_what_is_left_alone_keeps_required_and_its_points():
    wish = document(a={"mount": "/srv", "required": True}, b={"mount": "/link"})
    found = decide(wish, one("v1", "a"), one("v2", "b"), link="/srv").turned
    assert [(each.required, each.points) for each in found] == [(True, ("/srv",)), (False, ("/srv",))]
