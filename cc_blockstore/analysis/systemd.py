"""What `systemctl show` prints, read: properties as KEY=VALUE, one block for each unit, empty lines between them.

Moments come twice, as a date and as microseconds of the monotonic clock; the date with microseconds and in UTC needs
`--timestamp=us+utc` (systemd 248).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from cc_blockstore.analysis.recorded import Manager, Moment, Unit

DATES = "--timestamp=us+utc"
_MOMENTS = ("InactiveExitTimestamp", "ActiveEnterTimestamp")
MANAGER = (
    *("FirmwareTimestampMonotonic", "LoaderTimestampMonotonic", "InitRDTimestampMonotonic"),
    *("UserspaceTimestampMonotonic", "FinishTimestampMonotonic"),
)
UNIT = ("Id", *_MOMENTS, *(f"{each}Monotonic" for each in _MOMENTS), "Before", "RequiredBy")


def manager(text: str) -> Manager:
    """The manager's properties."""
    found = _properties(text)
    return Manager(*(_seconds(found.get(name, "")) for name in MANAGER))


def units(text: str) -> dict[str, Unit]:
    """Those of the units asked for that this boot started, by name."""
    found = (_unit(_properties(block)) for block in text.split("\n\n") if block.strip())
    return {each.name: each for each in found if each is not None}


def _unit(block: Mapping[str, str]) -> Unit | None:
    begun, up = (_moment(block.get(name, ""), block.get(f"{name}Monotonic", "")) for name in _MOMENTS)
    before, required_by = (tuple(block.get(name, "").split()) for name in ("Before", "RequiredBy"))
    return Unit(block["Id"], begun, up, before, required_by) if begun and block.get("Id") else None


def _properties(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, equals, value in pairs if equals}


def _moment(date: str, microseconds: str) -> Moment | None:
    """``Sun 2026-11-22 21:11:33.123456 UTC``; nothing (or n/a) and 0 where it never came to that."""
    monotonic, words = _seconds(microseconds), date.split()
    if not monotonic or len(words) < 3:
        return None
    form = "%Y-%m-%d %H:%M:%S.%f" if "." in words[2] else "%Y-%m-%d %H:%M:%S"
    try:
        there = datetime.datetime.strptime(f"{words[1]} {words[2]}", form)
    except ValueError:
        return None
    return Moment(monotonic, there.replace(tzinfo=datetime.timezone.utc).timestamp())


def _seconds(microseconds: str) -> float:
    return int(microseconds) / 1e6 if microseconds.isdecimal() else 0.0
