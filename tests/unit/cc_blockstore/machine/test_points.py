"""Where mount points lead: every link on the way, none on a volume, and a circle of links nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from blockstore.attachment import Attachment, Volume
from cc_blockstore.machine import points
from cc_blockstore.plan.desired import Desired, Wanted
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish
from tests.unit.fakes import FakeMachine


def wanted(volume_id: str, point: Path) -> Wanted:
    wish = VolumeWish(Table.NONE, filesystem=FilesystemWish("ext4", mount=str(point)))
    return Wanted(Attachment(f"a-{volume_id}", Volume(volume_id, volume_id)), wish)


def seen(points_: list[Path], ours: tuple[Path, ...] = ()) -> list[str]:
    found = points.see([str(each) for each in points_], [str(each) for each in ours])
    return [found[str(each)] for each in points_]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "real/inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    return tmp_path


@pytest.mark.parametrize(("point", "leads"), [
    ("link", "real"), ("link/new/x", "real/new/x"), ("real/new", "real/new"), ("nothing/x", "nothing/x"),
    ("up", "real/inner"), ("absolute/x", "real/x"), ("dangling/x", "not/yet/x"), ("circle/x", "circle/x"), ("file/x", "file/x"),
])  # fmt: skip
def test_every_link_on_the_way_is_followed(place: Path, point: str, leads: str):
    (place / "real/back").symlink_to("../link/./other")
    (place / "up").symlink_to("link/back/../inner")
    (place / "absolute").symlink_to(place / "link")
    (place / "dangling").symlink_to("not/yet")
    (place / "circle").symlink_to("circle")
    (place / "file").write_text("")
    assert seen([place / point]) == [str(place / leads)]


def test_below_a_wished_point_no_link_is_followed(place: Path):
    """It is hidden as soon as the volume is mounted, or lies on it."""
    (place / "real/www").symlink_to("/opt")
    assert seen([place / "real/www/x", place / "real"]) == [str(place / "real/www/x"), str(place / "real")]
    assert seen([place / "link/www/x", place / "link"]) == [str(place / "real/www/x"), str(place / "real")]
    assert seen([place / "real/www/x"]) == ["/opt/x"]


def test_nor_below_where_a_volume_of_ours_was_until_now(place: Path):
    """Its session may be dead: whoever looks at a file there waits for minutes."""
    (place / "real/www").symlink_to("/opt")
    assert seen([place / "link/www/x"], (place / "real",)) == [str(place / "real/www/x")]


def test_the_mounts_of_ours_are_those_of_fstab(fake: FakeMachine, place: Path):
    (place / "real/www").symlink_to("/opt")
    fake.write("etc/fstab", f"/dev/v {place}/real ext4 x-blockstore.volume=v9 0 0\n")
    [one] = points.resolved(fake.machine, Desired((wanted("v1", place / "link/www/x"),), ())).bring_up
    assert one.wish is not None
    assert one.wish.points == [str(place / "real/www/x")]


def test_without_a_mount_point_nothing_is_looked_at(fake: FakeMachine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(points, "see", None)
    desired = Desired((Wanted(Attachment("a", Volume("v1", "v1")), None),), ())
    assert points.resolved(fake.machine, desired) is desired


def test_a_link_onto_a_folder_of_the_system_is_found_out(fake: FakeMachine, place: Path):
    (place / "etc").symlink_to("/etc")
    found = points.resolved(fake.machine, Desired((wanted("v1", place / "etc"), wanted("v2", place / "link")), ()))
    assert [each.attachment.volume.id for each in found.bring_up] == ["v2"]
    assert "leads to /etc, which belongs to the running system" in found.turned[0].reason


def test_where_it_leads_when_all_above_it_is_mounted(place: Path):
    wish = FilesystemWish("ext4", mount=str(place / "real/a"), named=str(place / "link/a"))
    assert points.leads(wish) == str(place / "real/a")
    (place / "real/a").symlink_to("/opt")
    assert points.leads(wish) == "/opt"
    assert points.leads(FilesystemWish("ext4", mount=str(place / "link"))) == str(place / "real")
    assert points.leads(FilesystemWish("swap")) == ""
