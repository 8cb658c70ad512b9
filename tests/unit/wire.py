"""Values of the wire's types, for round trips."""

from __future__ import annotations

from hypothesis import strategies as st

from blockstore.attachment import Attachment, Status, Volume
from blockstore.connector import Connector
from blockstore.iscsi import CHAP_ALGORITHMS, Chap, IscsiConnection, IscsiPath
from blockstore.portal import Portal
from blockstore.report import FilesystemReport, Report, Result, StepReport, VolumeReport
from blockstore.secret import Secret

TEXT = st.text("aZ09 ä/\\%'\"#=.:👍", max_size=6)
SOME = TEXT.filter(bool)
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
IQNS = st.from_regex(r"iqn\.20[0-9]{2}-(0[1-9]|1[0-2])\.[a-z0-9]{1,8}(\.[a-z0-9]{1,5}){0,2}:[a-z0-9.:-]{1,20}", fullmatch=True)
PORTALS = st.builds(Portal, st.ip_addresses().map(str), st.integers(1, 65535))
CREDENTIALS = st.text("abcXYZ019#=\"'\\% $", min_size=1, max_size=40).filter(lambda text: text == text.strip())

PATHS = st.builds(IscsiPath, PORTALS, IQNS, st.integers(0, 16383))


@st.composite
def chaps(draw: st.DrawFn) -> Chap:
    """One-way or mutual; the two secrets differ."""
    user, password = draw(CREDENTIALS), draw(CREDENTIALS)
    if not draw(st.booleans()):
        return Chap(user, Secret(password))
    other = draw(CREDENTIALS.filter(lambda text: text != password))
    return Chap(user, Secret(password), draw(CREDENTIALS), Secret(other))


CONNECTIONS = st.builds(
    IscsiConnection,
    st.lists(PATHS, min_size=1, max_size=3).map(tuple),
    st.none() | chaps(),
    st.lists(st.sampled_from(CHAP_ALGORITHMS), max_size=2).map(tuple),
    TEXT, TEXT, st.sampled_from(["rw", "ro"]),
)  # fmt: skip
CONNECTORS = st.builds(Connector, IQNS, TEXT, TEXT, TEXT, TEXT, st.booleans(), TEXT, TEXT)
VOLUMES = st.builds(
    Volume,
    IDS,
    SOME,
    st.none() | st.integers(1, 1 << 20),
    TEXT,
    st.none() | st.booleans(),
    st.dictionaries(SOME, TEXT, max_size=3),
)
ATTACHMENTS = st.builds(Attachment, IDS, VOLUMES, st.sampled_from(Status), st.sampled_from(["rw", "ro"]))
NUMBERS = st.integers(0, 1 << 40)
REPORTS = st.builds(
    Report, TEXT, TEXT, TEXT, NUMBERS,
    st.lists(st.builds(
        VolumeReport, IDS, TEXT, st.sampled_from(Result), st.booleans(), TEXT, TEXT, TEXT,
        st.lists(st.builds(FilesystemReport, TEXT, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
        st.lists(st.builds(StepReport, TEXT, st.booleans(), NUMBERS, NUMBERS), max_size=2).map(tuple),
    ), max_size=2).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple), st.lists(TEXT, max_size=2).map(tuple), NUMBERS,
)  # fmt: skip

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def broken(draw: st.DrawFn, whole: object) -> object:
    """A wire value with one place of it cut out or replaced by junk."""
    if isinstance(whole, dict) and whole and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(whole)))
        if draw(st.booleans()):
            return {name: value for name, value in whole.items() if name != key}
        return {**whole, key: draw(broken(whole[key]))}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return [draw(broken(whole[0])), *whole[1:]]
    return draw(JUNK)
