"""docs/reuse-rules.md, "partition", and what sfdisk is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from blockstore.size import GIB, MIB
from cc_blockstore.plan.content import Content, Partition
from cc_blockstore.plan.decision import Do, Refuse
from cc_blockstore.plan.partition import decide, describe, difference, script
from cc_blockstore.wish import FilesystemWish, PartitionWish, Table, VolumeWish
from tests.unit.rules import action, row, same

EXT4, XFS = FilesystemWish("ext4", "a", "/srv/a"), FilesystemWish("xfs", "", "/srv/b")
GPT = VolumeWish(Table.GPT, (PartitionWish(2 * GIB, EXT4), PartitionWish(None, XFS)))
WHOLE = VolumeWish(Table.NONE, filesystem=EXT4)
ONE, TWO = Partition(1, "/dev/sda1", MIB, 2 * GIB), Partition(2, "/dev/sda2", 2 * GIB + MIB, 7 * GIB)
THREE = Partition(3, "/dev/sda3", 9 * GIB + MIB, 512 * MIB)

EMPTY = Content("/dev/sda", 10 * GIB, kind="", table="", data_at=-1)
TABLED = replace(EMPTY, table="gpt", partitions=(ONE, TWO), data_at=None)

TABLE = [
    row("partition-1", "keep", TABLED, None, False),
    row("partition-2", "refuse", TABLED, WHOLE, True),
    row("partition-3", "keep", EMPTY, WHOLE, False),
    row("partition-4", "keep", TABLED, GPT, False),
    row("partition-5", "refuse", replace(TABLED, partitions=(ONE,)), GPT, True),
    row("partition-6", "refuse", replace(TABLED, partitions=(ONE, THREE)), GPT, True),
    row("partition-7", "refuse", replace(TABLED, partitions=(replace(ONE, size=GIB), TWO)), GPT, True),
    row("partition-8", "refuse", replace(TABLED, table="dos"), GPT, True),
    row("partition-9", "refuse", replace(EMPTY, kind="LVM2_member", data_at=None), GPT, True),
    row("partition-10", "refuse", replace(EMPTY, kind=None, table=None, data_at=None), GPT, True),
    row("partition-11", "refuse", replace(EMPTY, data_at=None), GPT, True),
    row("partition-12", "refuse", replace(EMPTY, data_at=0), GPT, True),
    row("partition-13", "refuse", replace(EMPTY, used_by="md0 (which holds /dev/sda)"), GPT, True),
    row("partition-14", "refuse", replace(EMPTY, read_only=True), GPT, True),
    row("partition-15", "refuse", EMPTY, GPT, False),
    row("partition-16", "refuse", replace(EMPTY, size=2 * GIB), GPT, True),
    row("partition-17", "do", EMPTY, GPT, True),
    row("partition-18", "do", EMPTY, GPT, None),
]


def test_the_page_holds_the_same_rows():
    same("partition", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    seen, wish, blank = given
    assert action(decide(wish, seen, blank)) == expected


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
    if isinstance(decide(wish, seen, blank), Do):
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


def test_what_sfdisk_is_told():
    wish = VolumeWish(Table.GPT, (
        PartitionWish(512 * MIB, FilesystemWish("vfat")), PartitionWish(GIB, FilesystemWish("swap")),
        PartitionWish(GIB, FilesystemWish("none")), PartitionWish(None, XFS),
    ))  # fmt: skip
    assert script(wish) == (
        "label: gpt\n"
        'size=512MiB, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7, name="blockstore-1"\n'
        'size=1024MiB, type=0657FD6D-A4AB-43C4-84E5-0933C84B4F4F, name="blockstore-2"\n'
        'size=1024MiB, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="blockstore-3"\n'
        'type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="blockstore-4"\n'
    )


def test_nothing_of_the_user_s_gets_into_the_script():
    hostile = FilesystemWish("ext4", 'x", type=EVIL', "/srv/a\nlabel: dos")
    assert script(VolumeWish(Table.GPT, (PartitionWish(None, hostile),))) == script(
        VolumeWish(Table.GPT, (PartitionWish(None, FilesystemWish("ext4")),))
    )


def test_a_wish_in_words():
    assert describe(WHOLE) == "ext4 labelled 'a' on the whole device"
    assert describe(GPT) == "a gpt partition table with 2 partitions (ext4 labelled 'a', xfs)"
    assert describe(VolumeWish(Table.GPT, (PartitionWish(None, XFS),))) == "a gpt partition table with 1 partition (xfs)"
