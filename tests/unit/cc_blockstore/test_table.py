"""A table for a terminal."""

from __future__ import annotations

from cc_blockstore.table import table


def test_columns_are_as_wide_as_their_widest_cell():
    assert table(("A", "B", "C"), [("longer", "x", "y z"), ("1", "", "")]) == "A       B  C\nlonger  x  y z\n1"
    assert table(("A", "B"), []) == "A  B"
