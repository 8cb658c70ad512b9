"""docs/reuse-rules.md, "looks"."""

from __future__ import annotations

import pytest

from cc_blockstore.plan.looking import decide
from tests.unit.rules import row, same

ANY = object()
SOMETHING, UNKNOWN, NOTHING = ((0, 4096),), None, ()
PROGRAMS, OURS = "blkid and wipefs", "our own"
TABLE = [
    row("looks-1", PROGRAMS, False, ANY, ANY),
    row("looks-2", PROGRAMS, True, SOMETHING, ANY),
    row("looks-3", PROGRAMS, True, UNKNOWN, ANY),
    row("looks-4", PROGRAMS, True, NOTHING, False),
    row("looks-5", OURS, True, NOTHING, True),
]


def test_the_page_holds_the_same_rows():
    same("looks", TABLE)


@pytest.mark.parametrize(("identifier", "expected", "given"), TABLE)
def test_row(identifier, expected, given):
    whole, told, ends = given
    for stored in (SOMETHING, UNKNOWN, NOTHING) if told is ANY else (told,):
        for zeros in (False, True) if ends is ANY else (ends,):
            assert decide(whole=whole, stored=stored, zeros=zeros).value == expected
