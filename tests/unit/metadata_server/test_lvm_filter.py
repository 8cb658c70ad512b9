"""The filter that keeps LVM's hands off guests' volumes: judged as LVM judges it."""

from __future__ import annotations

import pytest

from metadata_server.backends.lvm_filter import lets_in, line, needed, patterns


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ("", ()),
        ('global_filter="r|^/dev/vg/|"\n', ("r|^/dev/vg/|",)),
        ('global_filter=["a|.*|"]\n', ("a|.*|",)),
        ('global_filter=["r|^/dev/a\\"b|","r|x\\\\d|","a/y/"]\n', ('r|^/dev/a"b|', "r|x\\d|", "a/y/")),
    ],
)
def test_what_lvmconfig_shows_is_read(shown: str, found: tuple[str, ...]) -> None:
    assert patterns(shown) == found


@pytest.mark.parametrize(
    ("found", "open_at"),
    [
        ((), "/dev/vg/blockstore-0"),
        (("a|.*|",), "/dev/vg/blockstore-0"),
        (("r|^/dev/sdz|",), "/dev/vg/blockstore-0"),
        # One name is enough for LVM to look, whatever is said of the others.
        (("a|^/dev/vg/|", "r|.*|"), "/dev/vg/blockstore-0"),
        (("a|^/dev/mapper/|", "r|.*|"), "/dev/mapper/vg-blockstore--0"),
        (("a|^/dev/dm-|", "r|.*|"), "/dev/dm-0"),
        (("r|^/dev/vg/|", "a|^/dev/disk/by-id/|"), "/dev/disk/by-id/dm-name-vg-blockstore--0"),
        # The first pattern that fits decides.
        (("a|.*|", "r|^/dev/vg/|", "r|^/dev/mapper/|"), "/dev/vg/blockstore-0"),
    ],
)
def test_a_filter_that_lets_lvm_in(found: tuple[str, ...], open_at: str) -> None:
    assert lets_in(found, "vg", "blockstore-") == open_at


@pytest.mark.parametrize(
    "found",
    [
        ("r|^/dev/vg/|", "r|^/dev/mapper/vg-|"),
        ("a|^/dev/vda$|", "r|.*|"),
        ("a|^/dev/vda$|", "r(.*)"),
        ("r|^/dev/vg/blockstore-|", "a|^/dev/sd|"),
        needed("vg", "blockstore-"),
    ],
)
def test_a_filter_that_keeps_it_out(found: tuple[str, ...]) -> None:
    assert lets_in(found, "vg", "blockstore-") is None


@pytest.mark.parametrize("group", ["vg", "my-vg", "a.b+c", "a--b"])
def test_what_we_ask_for_is_enough_and_keeps_the_rest_of_the_group(group: str) -> None:
    assert lets_in(needed(group, "blockstore-"), group, "blockstore-") is None
    assert lets_in(needed(group, "blockstore-"), group, "root") == f"/dev/{group}/root0"


def test_the_device_mapper_s_name_has_its_hyphens_doubled() -> None:
    assert needed("my-vg", "b-")[1] == "r|^/dev/mapper/my--vg-b--|"


def test_the_line_has_ours_first_and_what_is_there_once() -> None:
    found = ("a|^/dev/vda$|", *needed("vg", "b-"))
    assert line(found, "vg", "b-") == (
        'devices { global_filter = [ "r|^/dev/vg/b-|", "r|^/dev/mapper/vg-b--|", "a|^/dev/vda$|" ] }'
    )


@pytest.mark.parametrize("pattern", ["x|a|", "r|a", "", "r", "r|(|"])
def test_a_pattern_that_is_not_understood_is_said(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|unterminated|missing"):
        lets_in((pattern,), "vg", "b-")
