"""docs/reuse-rules.md, "partition", and the table that is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from blockstore.size import GIB, MIB
from cc_blockstore.plan import gpt
from cc_blockstore.plan.content import Content, Overwrite, Partition
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.plan.partition import decide, describe, difference, grown, table
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish
from tests.unit.rules import action, row, same

EXT4, XFS = FilesystemWish("ext4", "a", "/srv/a"), FilesystemWish("xfs", "", "/srv/b")
GPT = VolumeWish(Table.GPT, (PartitionWish(2 * GIB, EXT4), PartitionWish(None, XFS)))
WHOLE = VolumeWish(Table.NONE, filesystem=EXT4)
ONE, TWO = Partition(1, "/dev/sda1", MIB, 2 * GIB), Partition(2, "/dev/sda2", 2 * GIB + MIB, 7 * GIB)
THREE = Partition(3, "/dev/sda3", 9 * GIB + MIB, 512 * MIB)

EMPTY = Content("/dev/sda", 10 * GIB, kind="", table="", data_at=-1)
TABLED = replace(EMPTY, table="gpt", partitions=(ONE, TWO), data_at=None)
YES, SPENT = Overwrite.YES, Overwrite.SPENT


def on_disk(wish: VolumeWish, size: int, *, device: int = 10 * GIB, whole: bool = True) -> Content:
    """Our own table of this wish, written when the device had ``size``."""
    made = gpt.made(table(wish, "v1", size, 512, again=False))
    copies = gpt.Copies(made, made if whole else None, True)
    parts = tuple(Partition(e.number, f"/dev/sda{e.number}", e.first * 512, (e.last - e.first + 1) * 512) for e in made.entries)
    return Content("/dev/sda", device, kind="", table="gpt", partitions=parts, gpt=copies, own=True)


FIXED = VolumeWish(Table.GPT, (PartitionWish(2 * GIB, EXT4), PartitionWish(4 * GIB, XFS)))
LARGER = VolumeWish(Table.GPT, (PartitionWish(2 * GIB, EXT4), PartitionWish(6 * GIB, XFS)))
NO_GROW = replace(GPT, grow=False)
EXTENDED = on_disk(GPT, 8 * GIB)

TABLE = [
    row("partition-1", "keep", TABLED, None, False),
    row("partition-2", "refuse", TABLED, WHOLE, True),
    row("partition-3", "overwrite", TABLED, WHOLE, False, YES),
    row("partition-4", "keep", EMPTY, WHOLE, False),
    row("partition-5", "refuse", on_disk(GPT, 12 * GIB), GPT, True, YES),
    row("partition-6", "keep", TABLED, GPT, False),
    row("partition-7", "finish", on_disk(GPT, 10 * GIB, whole=False), GPT, False),
    row("partition-8", "keep", replace(on_disk(GPT, 10 * GIB, whole=False), own=False), GPT, False),
    row("partition-9", "grow", EXTENDED, GPT, False),
    row("partition-10", "keep", EXTENDED, NO_GROW, False),
    row("partition-11", "keep", replace(EXTENDED, read_only=True), GPT, False),
    row("partition-12", "grow", on_disk(FIXED, 10 * GIB), LARGER, False),
    row("partition-13", "refuse", on_disk(LARGER, 10 * GIB), FIXED, False),
    row("partition-14", "refuse", replace(TABLED, partitions=(ONE,)), GPT, True),
    row("partition-15", "refuse", replace(TABLED, partitions=(ONE, TWO, THREE)), GPT, True),
    row("partition-16", "refuse", replace(TABLED, partitions=(ONE, THREE)), GPT, True),
    row("partition-17", "refuse", replace(TABLED, partitions=(replace(ONE, size=GIB), TWO)), GPT, True),
    row("partition-18", "refuse", replace(TABLED, table="dos"), GPT, True),
    row("partition-19", "refuse", replace(EMPTY, kind="LVM2_member", data_at=None), GPT, True),
    row("partition-20", "refuse", replace(EMPTY, kind=None, table=None, data_at=None), GPT, True),
    row("partition-21", "refuse", replace(EMPTY, data_at=None), GPT, True),
    row("partition-22", "refuse", replace(EMPTY, data_at=0), GPT, True),
    row("partition-23", "overwrite", replace(TABLED, table="dos"), GPT, False, YES),
    row("partition-24", "overwrite", replace(EMPTY, data_at=0), GPT, False, YES),
    row("partition-25", "refuse", replace(TABLED, table="dos"), GPT, True, SPENT),
    row("partition-26", "refuse", replace(on_disk(FIXED, 10 * GIB), remade=True), WHOLE, True, YES),
    row("partition-27", "refuse", replace(TABLED, table="dos", used_by="the mount /srv (/dev/sda1)"), GPT, True, YES),
    row("partition-28", "refuse", replace(EMPTY, used_by="md0 (which holds /dev/sda)"), GPT, True),
    row("partition-29", "refuse", replace(EMPTY, read_only=True), GPT, True),
    row("partition-30", "refuse", EMPTY, GPT, False),
    row("partition-31", "refuse", replace(EMPTY, size=2 * GIB), GPT, True),
    row("partition-32", "finish", replace(EMPTY, begun=True), GPT, True),
    row("partition-33", "refuse", replace(EMPTY, begun=True), GPT, False),
    row("partition-34", "create", EMPTY, GPT, True),
    row("partition-35", "create", EMPTY, GPT, None),
]


def test_the_page_holds_the_same_rows():
    same("partition", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, wish, blank, *overwrite = given
    assert action(decide(wish, seen, blank, *overwrite)) == expected


CONTENTS = st.builds(
    Content,
    device=st.just("/dev/sda"),
    size=st.sampled_from([0, GIB, 10 * GIB]),
    kind=st.sampled_from([None, "", "ext4", "xfs", "LVM2_member", "crypto_LUKS", "swap"]),
    table=st.sampled_from([None, "", "gpt", "dos"]),
    partitions=st.sampled_from([(), (ONE,), (ONE, TWO), (ONE, THREE)]),
    data_at=st.sampled_from([None, -1, 0, 4096]),
    used_by=st.sampled_from(["", "swap (/dev/sda)"]),
    read_only=st.booleans(),
)


@examples(CONTENTS, st.sampled_from([None, GPT, WHOLE]), st.sampled_from([True, False, None]))
def test_nothing_is_written_but_to_what_is_empty_beyond_doubt(seen, wish, blank):
    if isinstance(decide(wish, seen, blank), Do):  # none of these examples has a table of ours
        assert (seen.kind, seen.table, seen.data_at, seen.used_by, seen.read_only) == ("", "", -1, "", False)
        assert blank is not False
        assert wish is GPT


@pytest.mark.parametrize(("seen", "blank", "words"), [
    (replace(TABLED, table="dos"), True, "found a dos partition table with 2 partitions (2 GiB, 7 GiB); wished a gpt"),
    (replace(EMPTY, kind="ext4", label="old"), True, "refusing to overwrite /dev/sda: found ext4 labelled 'old'; wished"),
    (replace(EMPTY, kind=None), True, "found something that could not be read"),
    (replace(EMPTY, data_at=8192), True, "found no known signature, but data at byte 8192"),
    (replace(EMPTY, used_by="the mount /srv (/dev/sda1)"), True, "in use by the mount /srv (/dev/sda1)"),
    (EMPTY, False, "the server does not say that it is blank"),
    (replace(EMPTY, size=GIB), True, "/dev/sda has 1 GiB; a gpt partition table with 2 partitions"),
    (replace(TABLED, partitions=(replace(ONE, size=GIB), TWO)), True, "partition 1: found 1 GiB, wished 2 GiB"),
])  # fmt: skip
def test_the_refusal_says_what_was_found_and_what_was_wished(seen, blank, words):
    decision = decide(GPT, seen, blank)
    assert isinstance(decision, Refuse)
    assert words in decision.why
    assert decision.hint


def test_the_rest_may_have_any_size():
    assert difference(GPT, replace(TABLED, partitions=(ONE, replace(TWO, size=MIB)))) is None


def test_the_table_of_a_wish():
    wish = VolumeWish(Table.GPT, (
        PartitionWish(512 * MIB, FilesystemWish("vfat")), PartitionWish(GIB, FilesystemWish("swap")),
        PartitionWish(GIB, FilesystemWish("none")), PartitionWish(None, XFS),
    ))  # fmt: skip
    found = table(wish, "v1", 10 * GIB, 512, again=False)
    assert [(each.number, each.type[:8], each.first * 512 // MIB, (each.last + 1) * 512 // MIB) for each in found.entries] == [
        (1, "EBD0A0A2", 1, 513), (2, "0657FD6D", 513, 1537), (3, "0FC63DAF", 1537, 2561), (4, "0FC63DAF", 2561, 10239),
    ]  # fmt: skip
    # A partition that gets no file system is nothing that is in the making.
    assert [each.name for each in found.entries] == [
        "blockstore-making-1", "blockstore-making-2", "blockstore-3", "blockstore-making-4",
    ]  # fmt: skip
    assert [each.name for each in gpt.made(found).entries] == [f"blockstore-{number}" for number in (1, 2, 3, 4)]


def test_a_table_follows_from_the_volume_and_tells_what_replaced_something():
    tables = {table(GPT, volume, 10 * GIB, 512, again=again).guid for volume in ("v1", "v2") for again in (False, True)}
    assert len(tables) == 4
    assert table(GPT, "v1", 10 * GIB, 512, again=True) == table(GPT, "v1", 10 * GIB, 512, again=True)


def test_nothing_of_the_user_s_gets_into_the_table():
    hostile = FilesystemWish("ext4", 'x", type=EVIL', "/srv/a\nlabel: dos")
    plain = VolumeWish(Table.GPT, (PartitionWish(None, FilesystemWish("ext4")),))
    assert table(VolumeWish(Table.GPT, (PartitionWish(None, hostile),)), "v", GIB, 512, again=False) == table(
        plain, "v", GIB, 512, again=False
    )


@examples(st.integers(8 * GIB, 100 * GIB), st.integers(0, 40 * GIB))
def test_growth_only_ever_moves_the_last_end_outwards(size, more):
    before = table(GPT, "v1", size, 512, again=False)
    after = grown(before, GPT, size + more)
    assert after.entries[:-1] == before.entries[:-1]
    assert (after.entries[-1].first, after.entries[-1].last) >= (before.entries[-1].first, before.entries[-1].last)
    assert after.entries[-1].last <= max(after.last_usable, before.entries[-1].last)
    assert after.guid == before.guid


@pytest.mark.parametrize(("seen", "overwrite", "words"), [
    (replace(TABLED, table="dos"), YES, "destroy what is on /dev/sda (a dos partition table with 2 partitions (2 GiB, 7 GiB))"),
    (EXTENDED, Overwrite.NO, "grow partition 2 of /dev/sda to 8190 MiB"),
])  # fmt: skip
def test_what_will_be_done_is_said(seen, overwrite, words):
    decision = decide(GPT, seen, False, overwrite)
    assert isinstance(decision, Do)
    assert decision.what.startswith(words)


def test_a_wish_in_words():
    assert describe(WHOLE) == "ext4 labelled 'a' on the whole device"
    assert describe(GPT) == "a gpt partition table with 2 partitions (ext4 labelled 'a', xfs)"
    assert describe(VolumeWish(Table.GPT, (PartitionWish(None, XFS),))) == "a gpt partition table with 1 partition (xfs)"
