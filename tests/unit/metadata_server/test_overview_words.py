"""Times and amounts as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from metadata_server.overview import words

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"), (999, "999 ms"), (1000, "1.00 s"), (9_999, "10.0 s"), (14_270, "14.3 s"), (59_949, "59.9 s"),
        (59_999, "1 min 00 s"),
        (125_000, "2 min 05 s"), (3_599_900, "1 h 00 min"), (12_000_000, "3 h 20 min"), (200_000_000, "2 days"),
        (1 << 63, "106,751,991,167 days"),
    ],
)  # fmt: skip
def test_how_long(milliseconds, text):
    assert words.took(milliseconds) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-22T11:59:59.900+00:00", "just now"), ("2026-11-22T11:59:59+00:00", "1 second ago"),
        ("2026-11-22T11:57:00+00:00", "3 minutes ago"), ("2026-11-22T13:00:00+02:00", "1 hour ago"),
        ("2026-11-20T12:00:00", "2 days ago"), ("2027-01-01T00:00:00Z", "just now"), ("", ""), ("yesterday", ""),
        ("0001-01-01T00:00:00+23:59", ""),
    ],
)  # fmt: skip
def test_how_long_ago(moment, text):
    assert words.ago(moment, NOW) == text


def test_a_moment_is_shown_in_utc():
    assert words.clock("2026-11-22T13:00:00.5+02:00") == "2026-11-22 11:00:00 UTC"
    assert words.clock("never") == ""


def test_lists_and_amounts():
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed("abcdef") == "a, b, c and 3 more"
    assert (words.amount(1, "volume"), words.amount(0, "volume"), words.amount(1500, "volume")) == (
        "1 volume",
        "0 volumes",
        "1,500 volumes",
    )


def test_a_short_text_has_no_sign_that_turns_the_line_around():
    assert words.short("‮gnp.exe​", 20) == "gnp.exe"
    assert words.short("x" * 30, 5) == "xxxx…"
