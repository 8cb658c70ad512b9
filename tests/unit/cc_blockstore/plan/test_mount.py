"""docs/reuse-rules.md, "mount"; fstab, where every line that is not ours stays as it is; names of units."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from cc_blockstore.plan.decision import Refuse
from cc_blockstore.plan.mount import FstabEntry, Mounted, Twin, decide, fstab_entry, fstab_with, is_ours, points, taken, unit_name
from cc_blockstore.plan.points import Below
from cc_blockstore.wish import FilesystemWish, Table, VolumeWish
from tests.unit.rules import action, row, same

SWAP, DATA, NOWHERE = FilesystemWish("swap"), FilesystemWish("ext4", mount="/srv/data"), FilesystemWish("ext4")
HERE, ELSEWHERE = Mounted("/dev/sda1", "/srv/data", "ext4"), Mounted("/dev/sda1", "/mnt", "ext4")
BTRFS = FilesystemWish("btrfs", mount="/srv/data")
OTHER = Mounted("/dev/sdb1", "/srv/data", "xfs")
ABOVE, BELOW = Mounted("/dev/sdb1", "/srv", "xfs"), Mounted("/dev/sdb1", "/srv/data/b", "xfs")
NOT_UP = Below("/srv/data", "/srv", "v2", "outer")
NONE = Twin.NONE

TABLE = [
    row("mount-1", "keep", SWAP, (), ("/dev/sda1",)),
    row("mount-2", "do", SWAP, (), ("/dev/sdb1",)),
    row("mount-3", "keep", NOWHERE, (ELSEWHERE,), ()),
    row("mount-4", "refuse", DATA, (HERE, ABOVE), ()),
    row("mount-5", "keep", DATA, (ABOVE, HERE), ()),
    row("mount-6", "keep", DATA, (ELSEWHERE, HERE), ()),
    row("mount-7", "refuse", DATA, (OTHER,), ()),
    row("mount-8", "refuse", DATA, (HERE, OTHER), ()),
    row("mount-9", "refuse", DATA, (ELSEWHERE,), ()),
    row("mount-10", "refuse", DATA, (ELSEWHERE,), (), ("/mnt",), NONE, (NOT_UP,)),
    row("mount-11", "refuse", DATA, (ELSEWHERE,), (), ("/mnt",), NONE, (), "/srv/other"),
    row("mount-12", "refuse", DATA, (ELSEWHERE, BELOW), (), ("/mnt",)),
    row("mount-13", "do", DATA, (ELSEWHERE,), (), ("/mnt",)),
    row("mount-14", "refuse", DATA, (ELSEWHERE, Mounted("/dev/sda1", "/opt", "ext4")), (), ("/mnt",)),
    row("mount-15", "refuse", BTRFS, (), (), (), Twin.CONFUSED),
    row("mount-16", "do", BTRFS, (), (), (), Twin.BEARABLE),
    row("mount-17", "do", DATA, (Mounted("/dev/vda1", "/", "ext4"),), ()),
]


def test_the_page_holds_the_same_rows():
    same("mount", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    wish, mounts, swaps, former, twin, absent, leads = (*given, *((), NONE, (), "")[len(given) - 3 :])
    decision = decide(wish, "/dev/sda1", mounts, swaps, former=former, twin=twin, absent=absent, leads=leads)
    assert action(decision) == expected


@pytest.mark.parametrize(("mounts", "more"), [
    ((HERE, Mounted("/dev/sdb1", "/srv/dat", "xfs"), Mounted("/dev/sdb1", "/srv/data/b", "xfs")), {}),  # neither is above
    ((HERE, ABOVE, HERE), {}),  # mounted anew, where it can be seen
    ((HERE,), {"absent": (NOT_UP,), "leads": "/srv/other"}),  # mounted already: there it stays
])  # fmt: skip
def test_what_is_mounted_in_its_place_and_can_be_seen_stays(mounts, more):
    assert action(decide(DATA, "/dev/sda1", mounts, (), **more)) == "keep"


@pytest.mark.parametrize(("mounts", "former", "more"), [
    ((Mounted("/dev/sda1", "/srv/data/old", "ext4"),), ("/srv/data/old",), {}),  # its own, which moves from there
    ((Mounted("/dev/sdb1", "/srv/data2", "xfs"),), (), {}),
    ((), (), {"absent": (Below("/srv/elsewhere", "/srv", "v2", "outer"),)}),  # of another partition
    ((), (), {"leads": "/srv/data"}),
])  # fmt: skip
def test_what_is_in_nobody_s_way_is_mounted(mounts, former, more):
    assert action(decide(DATA, "/dev/sda1", mounts, (), former=former, **more)) == "do"


def test_the_refusals_name_both_points():
    for mounts, more, words in (
        ((HERE, ABOVE), {}, ("/srv/data", "/dev/sdb1 was mounted on /srv later")),
        ((), {"absent": (NOT_UP,)}, ("on /srv/data", "below /srv of 'outer', which is not up")),
        ((), {"leads": "/opt"}, ("on /srv/data", "leads to /opt")),
        ((BELOW,), {}, ("on /srv/data", "would hide /srv/data/b, where /dev/sdb1 is mounted")),
    ):
        decision = decide(DATA, "/dev/sda1", mounts, (), **more)
        assert isinstance(decision, Refuse)
        assert all(each in decision.why for each in words)
        assert decision.hint


WHOLE = VolumeWish(Table.NONE, filesystem=DATA)


@pytest.mark.parametrize(("mounts", "words"), [
    ((OTHER,), "over /srv/data: found /dev/sdb1 there"),
    ((BELOW,), "it would hide /srv/data/b"),
    ((Mounted("/dev/sda", "/srv/data", "ext4"), BELOW), ""),  # it lies on this one
    ((Mounted("/dev/sda1", "/srv/data/b", "ext4"),), ""),  # of the volume itself: decided when it is mounted
    ((Mounted("/dev/sdb1", "/srv/data2", "xfs"), ABOVE), ""),
])  # fmt: skip
def test_who_is_in_the_way_is_known_before_anything_is_written(mounts, words):
    found = taken(WHOLE, "/dev/sda", ["/dev/sda1"], mounts)
    assert words in found.why if found and words else found is None


def test_the_refusal_names_who_is_there():
    decision = decide(DATA, "/dev/sda1", [OTHER], ())
    assert isinstance(decision, Refuse)
    assert decision.why == "refusing to mount /dev/sda1 over /srv/data: found /dev/sdb1 there"


def test_the_line_of_fstab():
    wish = FilesystemWish("xfs", "", "/srv/data", ("noatime", "nodev"))
    entry = fstab_entry(wish, "/dev/disk/by-blockstore/vol-1-part1", "vol-1", read_only=False, patience=90)
    assert str(entry) == (
        "/dev/disk/by-blockstore/vol-1-part1 /srv/data xfs noatime,nodev,_netdev,nofail,"
        "x-systemd.device-timeout=90,x-blockstore.volume=vol-1 0 0"
    )


@pytest.mark.parametrize(("wish", "read_only", "begin"), [
    (FilesystemWish("ext4", mount="/srv"), False, "/dev/v /srv ext4 defaults,_netdev,nofail,"),
    (FilesystemWish("ext4", mount="/srv"), True, "/dev/v /srv ext4 ro,noload,_netdev,nofail,"),
    (FilesystemWish("ext4", mount="/srv", options=("ro",)), True, "/dev/v /srv ext4 ro,noload,_netdev,nofail,"),
    (FilesystemWish("swap"), False, "/dev/v none swap noauto,_netdev,nofail,"),
    (FilesystemWish("ext4", mount="/srv/my data"), False, "/dev/v /srv/my\\040data ext4 "),
    (FilesystemWish("ext4", mount="/srv/a\\b"), False, "/dev/v /srv/a\\134b ext4 "),
    (FilesystemWish("ext4", mount="/srv/größe"), False, "/dev/v /srv/größe ext4 "),
])  # fmt: skip
def test_its_fields(wish, read_only, begin):
    line = str(fstab_entry(wish, "/dev/v", "vol-1", read_only=read_only, patience=90))
    assert line.startswith(begin)
    assert len(line.split()) == 6
    assert "cloud-" not in line
    assert is_ours(line)
    assert is_ours(line, "vol-1")
    assert not is_ours(line, "vol-")


def test_what_a_clone_needs_is_in_the_line_once():
    wish = FilesystemWish("xfs", "", "/srv", ("nouuid",))
    for each in (wish, FilesystemWish("xfs", "", "/srv")):
        line = str(fstab_entry(each, "/dev/v", "vol-1", read_only=False, patience=90, besides=("nouuid",)))
        assert line.startswith("/dev/v /srv xfs nouuid,_netdev,")


def test_the_mount_points_of_a_volume():
    text = f"{ENTRY}\n{SECOND}\n/dev/v /srv/a\\040b ext4 x-blockstore.volume=vol-1 0 0\n"
    assert points(text, "vol-1") == ("/srv", "/srv/a b")
    assert points(text) == ("/srv", "/opt", "/srv/a b")


@pytest.mark.parametrize("line", [
    "", "# UUID=u /srv ext4 defaults,x-blockstore.volume=v 0 0", "  #UUID=u /srv ext4 x-blockstore.volume=v 0 0",
    "UUID=u /srv/x-blockstore.volume=v ext4 defaults 0 0", "UUID=u /srv ext4", "UUID=u /srv ext4 xx-blockstore.volume=v 0 0",
    "LABEL=x-blockstore.volume=v /srv ext4 defaults,comment=cloudconfig 0 2",
])  # fmt: skip
def test_what_is_not_ours(line):
    assert not is_ours(line)


FSTAB = (
    "# /etc/fstab: static file system information.\n"
    "#\n"
    "UUID=0a1b /               ext4    errors=remount-ro 0       1\n"
    "\t  LABEL=x\t/mnt/x  auto defaults,comment=cloudconfig 0 2\n"
    "\n"
    "//nas/share /nas cifs credentials=/root/.nas 0 0 # trailing\n"
)
ENTRY = FstabEntry("vol-1", "UUID=u", "/srv", "ext4", ("defaults", "x-blockstore.volume=vol-1"))
SECOND = FstabEntry("vol-2", "UUID=w", "/opt", "ext4", ("defaults", "x-blockstore.volume=vol-2"))


def test_a_line_comes_at_the_end_and_goes_without_a_trace():
    added = fstab_with(FSTAB, {"vol-1": [ENTRY]})
    assert added == f"{FSTAB}{ENTRY}\n"
    assert fstab_with(added, {"vol-1": []}) == FSTAB


def test_a_line_that_is_right_keeps_its_place():
    text = f"# first\n{ENTRY}\n# last\n"
    assert fstab_with(text, {"vol-1": [ENTRY]}) == text


def test_a_changed_line_replaces_ours_and_leaves_the_other_volume_s():
    text = fstab_with(fstab_with(FSTAB, {"vol-1": [ENTRY]}), {"vol-2": [SECOND]})
    moved = FstabEntry("vol-1", "UUID=u", "/srv/new", "ext4", ENTRY.options)
    assert fstab_with(text, {"vol-1": [moved]}) == f"{FSTAB}{SECOND}\n{moved}\n"


def line(volume_id: str, point: str) -> FstabEntry:
    return FstabEntry(volume_id, f"/dev/{volume_id}", point, "ext4", (f"x-blockstore.volume={volume_id}",))


def test_the_outer_mount_point_has_the_earlier_line():
    """mount -a takes them as they come."""
    inner, outer, beside = line("v1", "/srv/a/b"), line("v2", "/srv/a"), line("v3", "/srv/a/c")
    assert fstab_with("", {"v1": [inner], "v2": [outer]}) == f"{outer}\n{inner}\n"
    before = f"{FSTAB}{inner}\nUUID=u /srv/a/theirs ext4 defaults 0 0\n{beside}\n# last\n"
    after = fstab_with(before, {"v1": [inner], "v2": [outer]})
    assert after == f"{FSTAB}UUID=u /srv/a/theirs ext4 defaults 0 0\n# last\n{outer}\n{inner}\n{beside}\n"
    assert fstab_with(after, {"v1": [inner], "v2": [outer], "v3": [beside]}) == after


def test_an_empty_fstab_and_one_without_a_line_end():
    assert fstab_with("", {"vol-1": [ENTRY]}) == f"{ENTRY}\n"
    assert fstab_with("# x", {"vol-1": [ENTRY]}) == f"# x\n{ENTRY}\n"
    assert fstab_with("# x", {"vol-1": []}) == "# x"
    assert fstab_with("", {"vol-1": []}) == ""


FOREIGN = st.text(st.sampled_from("ab #/=,\t\r\x0b\x0c\x1c\x85\u2028\udcff"), max_size=12)


@examples(st.lists(FOREIGN, max_size=6), st.integers(0, 6))
def test_every_other_line_stays_byte_for_byte(lines, place):
    before = "".join(f"{line}\n" for line in lines)
    old = FstabEntry("vol-1", "UUID=old", "/old", "ext4", ENTRY.options)
    with_ours = "".join(f"{line}\n" for line in [*lines[:place], str(old), *lines[place:]])
    assert fstab_with(with_ours, {"vol-1": [ENTRY]}) == f"{before}{ENTRY}\n"
    assert fstab_with(with_ours, {"vol-1": []}) == before
    assert fstab_with(with_ours, {"vol-1": [old]}) == with_ours


@pytest.mark.parametrize(("point", "unit"), [
    # As `systemd-escape --path --suffix=mount` of systemd 252 gives them.
    ("/data", "data.mount"),
    ("/srv/data", "srv-data.mount"),
    ("/srv/my data", r"srv-my\x20data.mount"),
    ("/srv/a-b", r"srv-a\x2db.mount"),
    ("/.hidden", r"\x2ehidden.mount"),
    ("/srv/.hidden", "srv-.hidden.mount"),
    ("/srv/a.b", "srv-a.b.mount"),
    ("/srv/größe", r"srv-gr\xc3\xb6\xc3\x9fe.mount"),
    ("/srv/a\\b", r"srv-a\x5cb.mount"),
    ("/srv/a:b_c@d+e", r"srv-a:b_c\x40d\x2be.mount"),
    ("/srv/50%", r"srv-50\x25.mount"),
])  # fmt: skip
def test_unit_name(point, unit):
    assert unit_name(point) == unit


def test_only_spaces_and_tabs_separate_fields():
    line = "/dev/v\u00a0x /srv ext4 defaults,x-blockstore.volume=vol-1 0 0"
    assert points(f"{line}\x0b\n", "vol-1") == ("/srv",)
    assert not is_ours("/dev/v /srv ext4\u2003x-blockstore.volume=vol-1 0 0")
