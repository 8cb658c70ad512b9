"""Which attachments there are: the service's, the document's, or those of before; and what then counts as a fault."""

from __future__ import annotations

from typing import Any

import pytest

from blockstore.attachment import Attachment, Volume
from blockstore.errors import Fault, ServiceDenied, ServiceError, ServiceUnreachable
from blockstore.iscsi import IscsiPath
from blockstore.portal import Portal
from blockstore.waiting import Deadline
from cc_blockstore.document.parse import Document
from cc_blockstore.listing import see
from cc_blockstore.machine.ledger import Known

ONE, TWO = (Attachment(f"a-{name}", Volume(name, name, blank=False)) for name in ("v1", "v2"))
STATIC = Attachment("a-static", Volume("static", "static"))
PATH = IscsiPath(Portal("10.0.0.1"), "iqn.2010-10.org.openstack:v", 1)
KNOWN = {"v1": Known(ONE, PATH), "v2": Known(TWO, PATH)}
DEADLINE = Deadline.after(60)


class Service:
    """Answers as it is told."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def attachments(self, deadline: Deadline) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def listed(answer: Any, document: Document | None = None, known: dict[str, Known] | None = None) -> Any:
    client: Any = None if answer is None else Service(answer)
    return see(document or Document(endpoint="http://a"), known or {}, client, DEADLINE)


def test_static_mode_is_complete_where_the_key_is_there():
    assert listed(None, Document(attachments=(STATIC,))).attachments == (STATIC,)
    assert listed(None, Document(attachments=())).complete
    assert not listed(None, Document()).complete


def test_the_service_s_list_is_complete():
    found = listed(((ONE,), ()), Document(endpoint="http://a", attachments=(STATIC,)), KNOWN)
    assert found.attachments == (STATIC, ONE)
    assert (found.complete, found.answered, found.faults, found.notes) == (True, True, (), ())


def test_one_that_was_not_understood_makes_it_incomplete():
    found = listed(((ONE,), (Fault("attachments[1].id", "is bad"),)), known=KNOWN)
    assert not found.complete
    assert "attachments[1].id: is bad" in found.faults[0]


def test_without_an_answer_those_of_before_are_used_with_a_note():
    found = listed(ServiceUnreachable("no answer"), Document(endpoint="http://a", attachments=(STATIC,)), KNOWN)
    assert found.attachments == (STATIC, ONE, TWO)
    assert (found.complete, found.answered, found.faults) == (False, False, ())
    assert "the volumes known from before were used" in found.notes[0]


def test_without_an_answer_and_with_nothing_known_it_is_a_fault():
    found = listed(ServiceUnreachable("no answer"))
    assert (found.attachments, found.complete, found.faults) == ((), False, ("no answer",))


@pytest.mark.parametrize("error", [ServiceDenied(401, "no")])
def test_a_no_is_a_fault_even_where_volumes_are_known(error):
    found = listed(error, known=KNOWN)
    assert found.attachments == (ONE, TWO)
    assert (found.complete, found.answered, found.faults) == (False, False, ("no",))


def test_a_static_one_is_not_named_twice():
    found = listed(ServiceError("x"), Document(endpoint="http://a", attachments=(ONE,)), KNOWN)
    assert found.attachments == (ONE, TWO)


@pytest.mark.parametrize(("said", "counts"), [(True, True), (False, False), (None, False)])
def test_only_the_service_s_own_word_makes_a_volume_blank(said: bool | None, counts: bool):
    one = Attachment("a-v1", Volume("v1", "v1", blank=said))
    assert listed(((one,), ())).attachments[0].volume.blank is counts


def test_a_remembered_word_makes_no_volume_blank():
    remembered = Known(Attachment("a-v1", Volume("v1", "v1", blank=True)), PATH)
    found = listed(ServiceUnreachable("no answer"), known={"v1": remembered})
    assert found.attachments[0].volume.blank is False
