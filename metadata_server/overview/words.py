"""Times and amounts as people say them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

# (so many seconds, are one of these), the largest first.
_AGES = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def took(milliseconds: int) -> str:
    """How long something took, with as many digits as one can use: 7 ms, 1.24 s, 14.3 s, 2 min 05 s, 3 h 20 min."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 9_995:
        return f"{milliseconds / 1000:.2f} s"
    if milliseconds < 59_950:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else amount(hours // 24, "day")


def ago(moment: str, now: datetime) -> str:
    """How long ago an RFC 3339 moment was; "" for what is none."""
    then = parsed(moment)
    if then is None:
        return ""
    seconds = (now - then).total_seconds()
    if seconds < 1:
        return "just now"
    size, unit = next((size, unit) for size, unit in _AGES if seconds >= size)
    return f"{amount(int(seconds // size), unit)} ago"


def clock(moment: str) -> str:
    """A moment in UTC, to the second; "" for what is none."""
    then = parsed(moment)
    return then.strftime("%Y-%m-%d %H:%M:%S UTC") if then else ""


def parsed(moment: str) -> datetime | None:
    """An RFC 3339 moment; None for what is none (an instance may write anything there)."""
    try:
        found = datetime.fromisoformat(moment)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def amount(number: int, noun: str) -> str:
    """1 volume, 2 volumes."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(names: Iterable[str], most: int = 3) -> str:
    """a, b and c; a long list is cut short."""
    words = list(names)
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def plain(text: str) -> str:
    """A text without signs that are not seen: some turn the direction of the whole line (Unicode's category Cf)."""
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def short(text: str, most: int) -> str:
    """A plain text that fits."""
    seen = plain(text[: 4 * most])
    return seen if len(seen) <= most else f"{seen[: most - 1]}…"
