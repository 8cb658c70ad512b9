import itertools
from dataclasses import replace

import pytest

from blockstore.attachment import Status
from blockstore.connector import Connector
from blockstore.iscsi import Chap
from blockstore.secret import Secret
from metadata_server.domain.attachment import Attachment, after, check_initiator, holder, wanted, writes
from metadata_server.domain.errors import Conflict
from metadata_server.domain.states import Move

CONNECTOR = Connector("iqn.2018-12.com.leftasexercise:a")
CHAP = Chap("user", Secret("secret"))


def attachment(status: Status = Status.RESERVED, **values) -> Attachment:
    return Attachment("a", "v", "i", status, values.pop("mode", "rw"), False, "now", **values)


LEGAL = {
    (Status.RESERVED, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHING, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHED, Move.CONNECT): Status.ATTACHED,
    (Status.ERROR_ATTACHING, Move.CONNECT): Status.ATTACHING,
    (Status.ATTACHING, Move.COMPLETE): Status.ATTACHED,
    (Status.ATTACHED, Move.COMPLETE): Status.ATTACHED,
    (Status.RESERVED, Move.DETACH): Status.DETACHING,
    (Status.ATTACHING, Move.DETACH): Status.DETACHING,
    (Status.ATTACHED, Move.DETACH): Status.DETACHING,
    (Status.DETACHING, Move.DETACH): Status.DETACHING,
    (Status.ERROR_ATTACHING, Move.DETACH): Status.DETACHING,
    (Status.DETACHING, Move.KEEP): Status.ATTACHED,
    (Status.ATTACHED, Move.KEEP): Status.ATTACHED,
    (Status.ATTACHING, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.ATTACHED, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.ERROR_ATTACHING, Move.FAIL): Status.ERROR_ATTACHING,
    (Status.DETACHING, Move.FAIL): Status.DETACHING,
    (Status.ERROR_ATTACHING, Move.MEND): Status.ATTACHED,
    (Status.ATTACHED, Move.MEND): Status.ATTACHED,
    (Status.ATTACHING, Move.MEND): Status.ATTACHING,
    (Status.DETACHING, Move.MEND): Status.DETACHING,
}


@pytest.mark.parametrize(("status", "move"), list(itertools.product(Status, Move)))
def test_every_move_in_every_state(status, move):
    completed = attachment(status, attached_at="then")
    if (status, move) in LEGAL:
        assert after(completed, move) is LEGAL[status, move]
    else:
        with pytest.raises(Conflict, match=status.value):
            after(completed, move)


@pytest.mark.parametrize(("status", "move"), [(Status.DETACHING, Move.KEEP), (Status.ERROR_ATTACHING, Move.MEND)])
def test_what_never_completed_goes_back_to_attaching(status, move):
    assert after(attachment(status), move) is Status.ATTACHING


def test_who_has_a_volume_in_words():
    held = attachment(Status.DETACHING, mode="ro")
    assert holder(held, "web") == "instance i (web) has it, attachment a is detaching with mode ro"
    assert holder(replace(held, instance_id=""), "") == "instance unknown has it, attachment a is detaching with mode ro"


@pytest.mark.parametrize("move", list(Move))
def test_nothing_moves_a_released_one(move):
    with pytest.raises(Conflict):
        after(attachment(Status.ATTACHED, released=True), move)


def test_a_second_initiator_is_refused():
    bound = attachment(Status.ATTACHING, connector=CONNECTOR)
    check_initiator(bound, Connector(CONNECTOR.initiator, ip="10.0.0.9"))
    check_initiator(attachment(), CONNECTOR)
    with pytest.raises(Conflict, match="another initiator"):
        check_initiator(bound, Connector("iqn.2018-12.com.leftasexercise:b"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, False),
        ({"connector": CONNECTOR, "chap": CHAP}, True),
        ({"connector": CONNECTOR}, False),
        ({"connector": CONNECTOR, "chap": CHAP, "released": True}, False),
    ],
)
def test_what_is_exported(values, expected):
    assert wanted(attachment(Status.ATTACHED, **values)) is expected


@pytest.mark.parametrize(("mode", "attached_at", "expected"), [("rw", "now", True), ("ro", "now", False), ("rw", "", False)])
def test_what_may_have_been_written_to(mode, attached_at, expected):
    assert writes(mode, attached_at) is expected
