"""What these tests throw at the code, and how often.

Quick and the same in every run as a part of the tier. Longer, and new in every run:

    pytest tests/unit/hostile --hypothesis-profile=hostile-long
"""

from __future__ import annotations

import datetime
import re

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from blockstore.errors import DocumentInvalid

LONG = "hostile-long"
PLANTED = "Plant3dS3cret"
# Longer than any one line of a log should be.
LONGEST_FAULT = 1200

settings.register_profile(
    LONG, deadline=None, max_examples=3000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def hostile(examples: int) -> settings:
    """The settings of one test: so many examples, always the same ones; those of the long profile where it was asked for."""
    if settings.get_current_profile_name() == LONG:
        return settings.get_profile(LONG)
    return settings(
        deadline=None,
        max_examples=examples,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


EVILS = [
    "",
    " ",
    ".",
    "..",
    "../",
    "../../etc/passwd",
    "/",
    "//",
    "/etc/../x",
    "a\nb",
    "a\r\nnode.startup = automatic",
    "\0",
    "a\0b",
    "%",
    "%s%n",
    "%2e%2e%2f",
    "$(reboot)",
    "`id`",
    "'",
    '"',
    "a b",
    "\t",
    "\x1b[2J",
    "\x7f",
    "\x85",
    "\u2028",
    "\u00a0",
    "\u202e",
    "\ud800",
    "\ufeff",
    "-rf",
    "--help",
    "*",
    "~",
    "#",
    "a#b",
    "a=b",
    "a,b",
    ";",
    "|",
    "\\",
    "\\x2f",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "ä",
    "数据",
    "👍",
    "e\u0301",
    "x" * 300,
    "x" * 5000,
    "true",
    "null",
    "0",
    "-1",
    "1e999",
    "NaN",
    "x-blockstore.volume=v1",
    "UUID=1 / ext4 defaults 0 0",
]
EVIL = st.sampled_from(EVILS)
TEXTS = EVIL | st.text(max_size=12)
# Shifted when drawn: hypothesis prints its strategies, and Python does not print such numbers.
NUMBERS = (
    st.integers() | st.sampled_from([0, -1, 1 << 31, 1 << 63, 1 << 64]) | st.integers(100, 40000).map(lambda bits: -1 << bits | 1)
)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.floats()
    | TEXTS
    | st.binary(max_size=8)
    | st.dates()
    | st.datetimes()
    | st.just({1, 2})
    | st.just(datetime.timedelta(1))
)
KEYS = TEXTS | st.none() | st.booleans() | NUMBERS | st.floats() | st.dates() | st.binary(max_size=3)


def around(keys: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Any tree, with these among its keys: what a reader asks for must be met now and then."""
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4) | st.tuples(inner, inner),
        max_leaves=12,
    )


def in_itself() -> dict[object, object]:
    """A value without an end, in every place where a mapping or a list may stand."""
    value: dict[object, object] = {}
    items: list[object] = [value]
    value.update(attachments=items, volumes=value, volume=value, connection_info=value, partitions=items, data=value)
    return value


def one_line(text: str) -> bool:
    """Whether a terminal and a log show it as one line."""
    return text.isprintable() and bool(text)


def clear(error: DocumentInvalid, *secrets: str) -> None:
    """A refusal: every fault a line, with its path, and no secret in any."""
    assert error.faults
    for fault in error.faults:
        assert one_line(str(fault)), repr(str(fault))
        assert len(str(fault)) < LONGEST_FAULT
        assert fault.path or re.match(r"and \d+ more|the blockstore document|must be a mapping|the key ", fault.message)
    assert not [secret for secret in secrets if secret in str(error)]
