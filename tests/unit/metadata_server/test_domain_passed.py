"""What is known of a volume that another service owns: the rows of docs/cinder.md, in its order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blockstore.attachment import Status
from blockstore.connector import Connector
from metadata_server.domain import passed as rules
from metadata_server.domain.errors import Conflict, Invalid
from metadata_server.domain.passed import Content, Knowledge, Passed, SeenAttachment, SeenVolume

SEEN = SeenVolume("v", "data", "available", 1, "t0", "t1")
ONE = Passed("k", "v", "i", "rw", "t", attachment_id="a")
BLANK, UNKNOWN, DATA = Content.BLANK, Content.UNKNOWN, Content.DATA


@pytest.mark.parametrize(
    ("known", "seen", "plain", "vouched"),
    [
        (Knowledge("v", DATA, "t1"), SEEN, DATA, DATA),
        (None, replace(SEEN, origin="a snapshot"), DATA, DATA),
        (Knowledge("v", BLANK, "t1"), replace(SEEN, origin="an image"), DATA, DATA),
        (Knowledge("v", BLANK, "t1"), replace(SEEN, multiattach=True), UNKNOWN, UNKNOWN),
        (Knowledge("v", BLANK, "t1"), SEEN, BLANK, BLANK),
        (Knowledge("v", BLANK, "t0"), SEEN, UNKNOWN, BLANK),
        (Knowledge("v", UNKNOWN, "t1"), SEEN, UNKNOWN, BLANK),
        (None, SEEN, UNKNOWN, BLANK),
    ],
)
def test_content_as_it_is_reserved(known: Knowledge | None, seen: SeenVolume, plain: Content, vouched: Content) -> None:
    assert rules.content_at_reserve(known, seen, vouched=False) is plain
    assert rules.content_at_reserve(known, seen, vouched=True) is vouched


@pytest.mark.parametrize(
    ("before", "mode", "initiator", "completed", "after"),
    [
        (BLANK, "rw", "", False, BLANK),
        (BLANK, "rw", "iqn", False, UNKNOWN),
        (BLANK, "rw", "iqn", True, DATA),
        (BLANK, "ro", "iqn", True, BLANK),
        (UNKNOWN, "rw", "iqn", True, DATA),
        (UNKNOWN, "ro", "iqn", True, UNKNOWN),
        (DATA, "rw", "iqn", False, DATA),
        (DATA, "rw", "", False, DATA),
    ],
)
def test_content_after_an_attachment(before: Content, mode: str, initiator: str, completed: bool, after: Content) -> None:
    assert rules.content_after(before, replace(ONE, mode=mode, initiator=initiator, completed=completed)) is after


def test_cinder_is_done_with_a_new_volume_when_it_names_its_service_or_was_silent_for_a_while() -> None:
    """Recorded from cinder-volume 29: available, and up to 100 ms later once more with service_uuid and another date."""
    steady = rules.Steady()
    assert not steady.look(replace(SEEN, status="creating", placed=True), 0)
    assert not steady.look(SEEN, 1)
    assert steady.look(replace(SEEN, updated_at="t2", placed=True), 1.1)
    steady = rules.Steady()
    assert not steady.look(SEEN, 1)
    assert not steady.look(replace(SEEN, updated_at="t2"), 2.9)
    assert not steady.look(replace(SEEN, updated_at="t2"), 4.8)
    assert steady.look(replace(SEEN, updated_at="t2"), 4.9)


@pytest.mark.parametrize("content", [UNKNOWN, DATA])
def test_nobody_vouches_for_what_is_known_better(content: Content) -> None:
    with pytest.raises(Conflict, match="cannot be vouched for"):
        rules.check_vouched(content, SEEN)
    rules.check_vouched(BLANK, SEEN)


def test_what_no_instance_could_use_is_refused() -> None:
    with pytest.raises(Invalid, match="encrypted"):
        rules.check_reserve(replace(SEEN, encrypted=True), "rw")
    with pytest.raises(Invalid, match="mode"):
        rules.check_reserve(SEEN, "rx")


@pytest.mark.parametrize(
    ("row", "attachment", "volume", "status"),
    [
        (ONE, "reserved", "reserved", Status.RESERVED),
        (ONE, "attaching", "attaching", Status.ATTACHING),
        (ONE, "attached", "in-use", Status.ATTACHED),
        (ONE, "attached", "detaching", Status.DETACHING),
        (replace(ONE, detaching=True), "attached", "in-use", Status.DETACHING),
        (replace(ONE, released=True), "attached", "in-use", Status.DETACHING),
        (ONE, "error_attaching", "error_attaching", Status.ERROR_ATTACHING),
        (ONE, "error_detaching", "error_detaching", Status.DETACHING),
        (ONE, "something new", "in-use", Status.ERROR_ATTACHING),
    ],
)
def test_status(row: Passed, attachment: str, volume: str, status: Status) -> None:
    assert rules.status(row, SeenAttachment("a", attachment, "v", "i"), volume) is status


def test_binding_and_completing() -> None:
    connector, other = Connector("iqn.2018-12.com.x:one"), Connector("iqn.2018-12.com.x:two")
    bound = rules.bind(ONE, connector)
    assert rules.bind(bound, connector) == bound
    with pytest.raises(Conflict, match="another initiator"):
        rules.bind(bound, other)
    with pytest.raises(Conflict, match="detaching"):
        rules.bind(replace(bound, detaching=True), connector)
    rules.check_complete(bound, SeenAttachment("a", "attaching", "v", "i"))
    for row, status in ((ONE, "attaching"), (bound, "reserved"), (replace(bound, detaching=True), "attached")):
        with pytest.raises(Conflict):
            rules.check_complete(row, SeenAttachment("a", status, "v", "i"))


def test_the_instance_is_told_no_serial_and_blank_only_where_it_is_known() -> None:
    for content, blank in ((BLANK, True), (UNKNOWN, False), (DATA, False)):
        found = rules.described(ONE, SeenAttachment("a", "reserved", "v", "i"), SEEN, content)
        assert (found.volume.serial, found.volume.blank) == ("", blank)
