"""What is found, in words; and what is fit for writing: only what is empty beyond doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blockstore.size import GIB
from cc_blockstore.plan.content import Content, Partition, unfit_for_writing

EMPTY = Content("/dev/sda", GIB, kind="", table="", data_at=-1)
PART = Partition(1, "/dev/sda1", 1 << 20, 512 << 20)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (EMPTY, "nothing"),
        (replace(EMPTY, data_at=None), "no signature"),
        (replace(EMPTY, data_at=0), "no known signature, but data at byte 0"),
        (replace(EMPTY, kind=None), "something that could not be read"),
        (replace(EMPTY, table=None), "something that could not be read"),
        (Content("/dev/sda", GIB), "something that could not be read"),
        (replace(EMPTY, kind="LVM2_member"), "LVM2_member"),
        (replace(EMPTY, kind="ext4", label="a"), "ext4 labelled 'a'"),
        (replace(EMPTY, table="gpt"), "a gpt partition table with 0 partitions"),
        (replace(EMPTY, table="gpt", partitions=(PART, PART)), "a gpt partition table with 2 partitions (512 MiB, 512 MiB)"),
    ],
)
def test_what_is_found_in_words(seen, words):
    assert str(seen) == words


@pytest.mark.parametrize("blank", [True, None])
def test_what_is_empty_beyond_doubt_is_fit(blank):
    assert unfit_for_writing(EMPTY, "ext4", blank) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "xfs"}, "overwrite"),
        ({"table": "dos"}, "overwrite"),
        ({"kind": None}, "overwrite"),
        ({"table": None}, "overwrite"),
        ({"data_at": None}, "overwrite"),
        ({"data_at": 0}, "overwrite"),
        ({"data_at": 1 << 29}, "overwrite"),
        ({"used_by": "swap"}, "in use by swap"),
        ({"read_only": True}, "read-only"),
    ],
)
@pytest.mark.parametrize("blank", [True, None])
def test_everything_else_is_not(change, why, blank):
    refusal = unfit_for_writing(replace(EMPTY, **change), "ext4", blank)
    assert refusal is not None
    assert why in refusal.why
    assert refusal.why.startswith("refusing to ")
    assert refusal.hint


def test_the_server_s_no_counts_even_where_nothing_is_found():
    refusal = unfit_for_writing(EMPTY, "ext4", False)
    assert refusal is not None
    assert "does not say that it is blank" in refusal.why
