"""Sizes: as people write them, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blockstore.size import GIB, MIB, TIB, format_size, parse_size


@pytest.mark.parametrize(("text", "size"), [
    ("20GiB", 20 * GIB), ("20 GiB", 20 * GIB), ("20G", 20 * GIB), ("20g", 20 * GIB), ("20GB", 20 * 10**9), ("512MiB", 512 * MIB),
    ("1TiB", TIB), ("1tb", 10**12), ("4096", 4096), ("4096B", 4096), ("2KiB", 2048), ("2KB", 2000), (" 1MiB ", MIB), ("0", 0),
])  # fmt: skip
def test_parse(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "GiB", "-1GiB", "1.5GiB", "1GiBB", "1 G iB", "1PiB", "rest", "0x10", "1GiB\n1", "1e3", "9" * 5000]
)
def test_what_is_no_size(text):
    with pytest.raises(ValueError):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [
    (20 * GIB, "20 GiB"), (1536 * MIB, "1536 MiB"), (TIB, "1 TiB"), (1000, "1000 bytes"), (0, "0 bytes"), (1024, "1 KiB"),
])  # fmt: skip
def test_format(size, text):
    assert format_size(size) == text


@given(st.integers(0, 1 << 70))
def test_round_trip_is_exact(size):
    assert parse_size(format_size(size).replace(" bytes", "")) == size
