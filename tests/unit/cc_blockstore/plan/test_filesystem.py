"""docs/reuse-rules.md, "filesystem"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from blockstore.size import GIB, MIB
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.content import Content
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.plan.filesystem import decide
from cc_blockstore.wish import FilesystemWish
from tests.unit.rules import action, row, same

EXT4, LABELLED = FilesystemWish("ext4"), FilesystemWish("ext4", "data")
EMPTY = Content("/dev/sda1", GIB, kind="", table="", data_at=-1)
FOUND = replace(EMPTY, kind="ext4", label="data", data_at=None)

TABLE = [
    row("filesystem-1", "keep", replace(FOUND, kind="xfs"), FilesystemWish("none"), True),
    row("filesystem-2", "keep", FOUND, LABELLED, False),
    row("filesystem-3", "keep", FOUND, EXT4, False),
    row("filesystem-4", "refuse", replace(FOUND, label="other"), LABELLED, True),
    row("filesystem-5", "refuse", replace(FOUND, table="dos"), LABELLED, True),
    row("filesystem-6", "refuse", replace(FOUND, kind="xfs"), LABELLED, True),
    row("filesystem-7", "refuse", replace(EMPTY, kind="LVM2_member", data_at=None), EXT4, True),
    row("filesystem-8", "refuse", replace(EMPTY, table="gpt", data_at=None), EXT4, True),
    row("filesystem-9", "refuse", replace(EMPTY, kind=None, table=None, data_at=None), EXT4, True),
    row("filesystem-10", "refuse", replace(EMPTY, data_at=None), EXT4, True),
    row("filesystem-11", "refuse", replace(EMPTY, data_at=4096), EXT4, True),
    row("filesystem-12", "refuse", replace(EMPTY, used_by="swap (/dev/sda1)"), EXT4, True),
    row("filesystem-13", "refuse", replace(EMPTY, read_only=True), EXT4, True),
    row("filesystem-14", "refuse", EMPTY, EXT4, False),
    row("filesystem-15", "refuse", replace(EMPTY, size=MIB), EXT4, True),
    row("filesystem-16", "do", EMPTY, EXT4, True),
    row("filesystem-17", "do", EMPTY, EXT4, None),
    row("filesystem-18", "do", EMPTY, FilesystemWish("swap"), True),
]


def test_the_page_holds_the_same_rows():
    same("filesystem", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, wish, blank = given
    assert action(decide(wish, seen, blank)) == expected


CONTENTS = st.builds(
    Content,
    device=st.just("/dev/sda1"),
    size=st.sampled_from([0, 10 * GIB]),
    kind=st.sampled_from([None, "", "ext4", "xfs", "btrfs", "vfat", "swap", "LVM2_member"]),
    label=st.sampled_from(["", "data", "other"]),
    table=st.sampled_from([None, "", "gpt", "dos"]),
    data_at=st.sampled_from([None, -1, 0]),
    used_by=st.sampled_from(["", "the mount /srv (/dev/sda1)"]),
    read_only=st.booleans(),
)
WISHES = st.builds(FilesystemWish, st.sampled_from([*FILESYSTEMS, "none"]), st.sampled_from(["", "data"]))


@examples(CONTENTS, WISHES, st.sampled_from([True, False, None]))
def test_nothing_is_formatted_but_what_is_empty_beyond_doubt(seen, wish, blank):
    if isinstance(decide(wish, seen, blank), Do):
        assert (seen.kind, seen.table, seen.data_at, seen.used_by, seen.read_only) == ("", "", -1, "", False)
        assert blank is not False
        assert wish.type != "none"


@pytest.mark.parametrize("name", list(FILESYSTEMS))
def test_each_has_its_smallest_size(name):
    wish, smallest = FilesystemWish(name), FILESYSTEMS[name].smallest
    assert action(decide(wish, replace(EMPTY, size=smallest), True)) == "do"
    decision = decide(wish, replace(EMPTY, size=smallest - 1), True)
    assert isinstance(decision, Refuse)
    assert f"{name} needs {smallest // MIB} MiB" in decision.why


def test_the_refusal_says_what_was_found_and_what_was_wished():
    decision = decide(LABELLED, replace(FOUND, kind="xfs", label="old"), True)
    assert decision == Refuse(
        "refusing to format /dev/sda1: found xfs labelled 'old'; wished ext4 labelled 'data'",
        "detach it and attach an empty volume, or change the wish to what is found",
    )
