"""docs/reuse-rules.md, "filesystem"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from blockstore.size import GIB, MIB
from cc_blockstore.filesystems import FILESYSTEMS
from cc_blockstore.plan.content import Content, Overwrite
from cc_blockstore.plan.decision import Do, Keep, Refuse
from cc_blockstore.plan.filesystem import decide
from cc_blockstore.wish import FilesystemWish
from tests.unit.rules import action, row, same

EXT4, LABELLED = FilesystemWish("ext4"), FilesystemWish("ext4", "data")
EMPTY = Content("/dev/sda1", GIB, kind="", table="", data_at=-1)
FOUND = replace(EMPTY, kind="ext4", label="data", data_at=None)

XFS = FilesystemWish("xfs")
YES, SPENT = Overwrite.YES, Overwrite.SPENT
# In the making: nothing that anybody would know yet, half a file system of ours, and one that was used.
HALF, MINE = replace(EMPTY, making=True, data_at=4096), replace(FOUND, label="", making=True, own=True)

TABLE = [
    row("filesystem-1", "keep", replace(FOUND, kind="xfs"), FilesystemWish("none"), True),
    row("filesystem-2", "finish", HALF, EXT4, True),
    row("filesystem-3", "finish", HALF, EXT4, None),
    row("filesystem-4", "finish", replace(HALF, data_at=None), XFS, True),
    row("filesystem-5", "finish", replace(MINE, unused=True), LABELLED, True),
    row("filesystem-6", "keep", MINE, EXT4, True),
    row("filesystem-7", "refuse", replace(MINE, kind="xfs"), EXT4, True),
    row("filesystem-8", "keep", replace(MINE, own=False), EXT4, True),
    row("filesystem-9", "refuse", replace(HALF, used_by="swap (/dev/sda1)"), EXT4, True),
    row("filesystem-10", "refuse", replace(HALF, read_only=True), EXT4, True),
    row("filesystem-11", "refuse", HALF, EXT4, False),
    row("filesystem-12", "finish", HALF, FilesystemWish("swap"), False),
    row("filesystem-13", "overwrite", replace(MINE, remade=True, unused=True), LABELLED, False, YES),
    row("filesystem-14", "overwrite", HALF, LABELLED, True, YES),
    row("filesystem-15", "overwrite", replace(MINE, own=False), EXT4, False, YES),
    row("filesystem-16", "keep", FOUND, LABELLED, False),
    row("filesystem-17", "keep", FOUND, EXT4, False),
    row("filesystem-18", "refuse", replace(FOUND, extent=2 * GIB), EXT4, True, YES),
    row("filesystem-19", "refuse", replace(FOUND, label="other"), LABELLED, True),
    row("filesystem-20", "refuse", replace(FOUND, table="dos"), LABELLED, True),
    row("filesystem-21", "refuse", replace(FOUND, kind="xfs"), LABELLED, True),
    row("filesystem-22", "refuse", replace(EMPTY, kind="LVM2_member", data_at=None), EXT4, True),
    row("filesystem-23", "refuse", replace(EMPTY, table="gpt", data_at=None), EXT4, True),
    row("filesystem-24", "refuse", replace(EMPTY, kind=None, table=None, data_at=None), EXT4, True),
    row("filesystem-25", "refuse", replace(EMPTY, data_at=None), EXT4, True),
    row("filesystem-26", "refuse", replace(EMPTY, data_at=4096), EXT4, True),
    row("filesystem-27", "overwrite", replace(FOUND, kind="xfs"), LABELLED, False, YES),
    row("filesystem-28", "overwrite", replace(FOUND, label="other"), LABELLED, False, YES),
    row("filesystem-29", "keep", FOUND, LABELLED, False, YES),
    row("filesystem-30", "refuse", replace(FOUND, kind="xfs"), LABELLED, False, SPENT),
    row("filesystem-31", "refuse", replace(FOUND, kind="xfs", remade=True), LABELLED, False, YES),
    row("filesystem-32", "refuse", replace(FOUND, kind="xfs", used_by="the mount /srv (/dev/sda1)"), LABELLED, False, YES),
    row("filesystem-33", "refuse", replace(EMPTY, used_by="swap (/dev/sda1)"), EXT4, True),
    row("filesystem-34", "refuse", replace(EMPTY, read_only=True), EXT4, True),
    row("filesystem-35", "refuse", EMPTY, EXT4, False),
    row("filesystem-36", "refuse", replace(EMPTY, size=MIB), EXT4, True),
    row("filesystem-37", "create", EMPTY, EXT4, True),
    row("filesystem-38", "create", EMPTY, EXT4, None),
    row("filesystem-39", "create", EMPTY, FilesystemWish("swap"), True),
]


def test_the_page_holds_the_same_rows():
    same("filesystem", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, wish, blank, *overwrite = given
    assert action(decide(wish, seen, blank, *overwrite)) == expected


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
    assert action(decide(wish, replace(EMPTY, size=smallest), True)) == "create"
    decision = decide(wish, replace(EMPTY, size=smallest - 1), True)
    assert isinstance(decision, Refuse)
    assert f"{name} needs {smallest // MIB} MiB" in decision.why


MAKING = st.builds(
    Content,
    device=st.just("/dev/sda1"),
    size=st.just(10 * GIB),
    kind=st.sampled_from([None, "", "ext4", "xfs", "swap", "LVM2_member"]),
    table=st.sampled_from([None, "", "gpt"]),
    data_at=st.sampled_from([None, -1, 0]),
    used_by=st.sampled_from(["", "the mount /srv (/dev/sda1)"]),
    read_only=st.booleans(),
    making=st.just(True), own=st.booleans(), unused=st.booleans(),
)  # fmt: skip


@examples(MAKING, WISHES, st.sampled_from([True, False, None]))
def test_what_was_begun_is_finished_only_where_nobody_can_have_put_a_file(seen, wish, blank):
    if isinstance(decide(wish, seen, blank), Do):
        assert seen.kind == "" or (seen.own and seen.unused)
        assert (seen.table, seen.used_by, seen.read_only) == ("", "", False)
        assert blank is not False or wish.type == "swap"


@examples(CONTENTS, WISHES, st.sampled_from([True, False, None]))
def test_overwrite_changes_nothing_of_what_is_as_wished_or_in_use(seen, wish, blank):
    plain, forced = decide(wish, seen, blank), decide(wish, seen, blank, Overwrite.YES)
    if isinstance(plain, Keep) or seen.used_by or seen.read_only:
        assert isinstance(forced, Keep | Refuse)
    assert decide(wish, seen, blank, Overwrite.SPENT) == plain or isinstance(decide(wish, seen, blank, Overwrite.SPENT), Refuse)


def test_the_refusal_says_what_was_found_and_what_was_wished():
    decision = decide(LABELLED, replace(FOUND, kind="xfs", label="old"), True)
    assert decision == Refuse(
        "refusing to format /dev/sda1: found xfs labelled 'old'; wished ext4 labelled 'data'",
        "detach it and attach an empty volume, or change the wish to what is found",
    )
